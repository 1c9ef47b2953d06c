package models

import (
	"math"
	"slices"
	"time"
)

// Right is something that a person may do.
type Right string

// The rights.
const (
	RightView        Right = "view"        // read incidents, camera states and maps, without pictures
	RightLive        Right = "live"        // see cameras live
	RightFootage     Right = "footage"     // see pictures and clips of incidents, recall footage
	RightWork        Right = "work"        // open, claim, judge, note, tick tasks, log time
	RightInvestigate Right = "investigate" // statements, subjects, marks, exhibits, series
	RightAssign      Right = "assign"      // give incidents to others, escalate, merge and split
	RightClose       Right = "close"       // resolve, close, reopen
	RightReview      Right = "review"      // write reviews
	RightExport      Right = "export"      // take footage and packages out, record deliveries
	RightHold        Right = "hold"        // set a legal hold
	RightDelete      Right = "delete"      // release a hold, so that evidence can go
	RightReport      Right = "report"      // reports, log book, hand-over sheets
	RightTune        Right = "tune"        // cameras and zones
	RightAudit       Right = "audit"       // read the custody and audit log
	RightAdminister  Right = "administer"  // people, tokens, notifications
)

// Rights are all of them.
func Rights() []Right {
	return []Right{RightView, RightLive, RightFootage, RightWork, RightInvestigate, RightAssign, RightClose, RightReview,
		RightExport, RightHold, RightDelete, RightReport, RightTune, RightAudit, RightAdminister}
}

// Role is what a person is employed to do; it gives rights.
type Role string

// The roles.
const (
	RoleMonitor       Role = "monitor"
	RoleOfficer       Role = "officer"
	RoleInvestigator  Role = "investigator"
	RoleOperator      Role = "operator"
	RoleSupervisor    Role = "supervisor"
	RoleAdministrator Role = "administrator"
	RoleAuditor       Role = "auditor"
)

// Roles are all of them.
func Roles() []Role {
	return []Role{RoleMonitor, RoleOfficer, RoleInvestigator, RoleOperator, RoleSupervisor, RoleAdministrator, RoleAuditor}
}

// Rights are what the role may do. An administrator may do all: small sites have one
// person for everything, and everything that person does is logged where nobody can edit
// it. An auditor reads and changes nothing.
func (r Role) Rights() []Right {
	switch r {
	case RoleMonitor:
		return []Right{RightView, RightLive, RightFootage, RightWork}
	case RoleOfficer:
		return []Right{RightView, RightFootage, RightWork}
	case RoleInvestigator:
		return []Right{RightView, RightFootage, RightWork, RightInvestigate, RightClose, RightExport, RightHold, RightReport}
	case RoleOperator:
		return []Right{RightView, RightLive, RightFootage, RightTune}
	case RoleSupervisor:
		return []Right{RightView, RightLive, RightFootage, RightWork, RightInvestigate, RightAssign, RightClose, RightReview,
			RightExport, RightHold, RightReport}
	case RoleAdministrator:
		return Rights()
	case RoleAuditor:
		return []Right{RightView, RightReport, RightAudit}
	}
	return nil
}

// Grant gives a role over some cameras.
type Grant struct {
	Role Role `json:"role"`
	// Groups are camera groups of the configuration; empty: all cameras.
	Groups []string `json:"groups,omitempty"`
}

// Allows says whether the grants give a right over a camera that is in these groups. What
// belongs to no camera takes the right over any.
func Allows(grants []Grant, right Right, camera CameraID, groups []string) bool {
	return slices.ContainsFunc(grants, func(g Grant) bool {
		if !slices.Contains(g.Role.Rights(), right) {
			return false
		}
		return camera == "" || len(g.Groups) == 0 || slices.ContainsFunc(g.Groups, func(name string) bool { return slices.Contains(groups, name) })
	})
}

// Position is a place on the earth, in degrees (WGS 84).
type Position struct {
	Lat float64 `json:"lat"` // -90..90
	Lon float64 `json:"lon"` // -180..180
}

// Distance to another position along the surface, in metres (haversine, mean radius of
// the earth 6 371 km; within 0.6 % of the ellipsoid).
func (p Position) Distance(q Position) float64 {
	const radius, degree = 6_371_000, math.Pi / 180
	lat, lon := (q.Lat-p.Lat)*degree, (q.Lon-p.Lon)*degree
	a := math.Pow(math.Sin(lat/2), 2) + math.Cos(p.Lat*degree)*math.Cos(q.Lat*degree)*math.Pow(math.Sin(lon/2), 2)
	return 2 * radius * math.Asin(math.Sqrt(min(1, a)))
}

// Officer is a person whom incidents can be given to.
type Officer struct {
	User   string   `json:"user"`
	Name   string   `json:"name"` // as people call them
	Email  string   `json:"email,omitempty"`
	Grants []Grant  `json:"grants"`
	Skills []string `json:"skills,omitempty"` // such as first_aid, k9; lower case
	// Shift is when they are on duty; empty: always.
	Shift []Schedule `json:"shift,omitempty"`
	// Site and Position are where they are posted; Position nil: at the site.
	Site     string    `json:"site,omitempty"`
	Position *Position `json:"position,omitempty"`
	// Away says why they cannot be sent now, such as a break; empty: they can.
	Away  string    `json:"away,omitempty"`
	Since time.Time `json:"since,omitzero"` // of Away, Site and Position
}

// OnDuty says whether their shift runs at a time.
func (o Officer) OnDuty(at time.Time) bool {
	return len(o.Shift) == 0 || slices.ContainsFunc(o.Shift, func(s Schedule) bool { return s.Active(at) })
}

// May says whether the officer has a right over a camera in these groups.
func (o Officer) May(right Right, camera CameraID, groups []string) bool {
	return Allows(o.Grants, right, camera, groups)
}
