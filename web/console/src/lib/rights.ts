import type { Right, Role } from "../api/types";

/** The roles, in the order of models.Roles, and what each is employed to do. */
export const roles: readonly { role: Role; word: string; does: string }[] = [
  { role: "monitor", word: "Monitor", does: "watches alarms, claims and judges them" },
  { role: "officer", word: "Officer", does: "responds, and works on what is given to them" },
  { role: "investigator", word: "Investigator", does: "finds out, closes, exports evidence" },
  { role: "operator", word: "Operator", does: "keeps cameras and zones working" },
  { role: "supervisor", word: "Supervisor", does: "assigns, closes, reviews, exports" },
  { role: "administrator", word: "Administrator", does: "may do everything, and everything is logged" },
  { role: "auditor", word: "Auditor", does: "reads the logs, and changes nothing" },
];

export const roleWord = (role: string) => roles.find((r) => r.role === role)?.word ?? role;

/** Rights in words, in the order of models.Rights. */
export const rights: readonly { right: Right; word: string }[] = [
  { right: "view", word: "read incidents" }, { right: "live", word: "see cameras live" }, { right: "footage", word: "see footage" },
  { right: "work", word: "work on incidents" }, { right: "investigate", word: "investigate" }, { right: "assign", word: "assign" },
  { right: "close", word: "resolve and close" }, { right: "review", word: "review" }, { right: "export", word: "export evidence" },
  { right: "hold", word: "put on hold" }, { right: "delete", word: "release holds" }, { right: "report", word: "read reports" },
  { right: "tune", word: "tune cameras" }, { right: "audit", word: "read the audit log" }, { right: "administer", word: "administer" },
];

export const rightWord = (right: string) => rights.find((r) => r.right === right)?.word ?? right;
