// node e2e/mock/main.mjs [port]: the mock on its own. With `VEDETTE_URL=http://127.0.0.1:8099
// npm run dev` in another terminal the sources reload while you write.
import { Mock } from "./server.mjs";
import { loseCamera, tellStory } from "./story.mjs";

const mock = await Mock.start({ port: Number(process.argv[2] ?? 8099) });
tellStory(mock);
loseCamera(mock);
console.log(`${mock.url}  user ${mock.user}  password ${mock.password}`);
console.log("enter: one more incident; q: leave");
process.stdin.setEncoding("utf8");
let n = 0;
for await (const line of process.stdin) {
  if (String(line).startsWith("q")) break;
  n++;
  mock.open({ scene: n, severity: /** @type {const} */ (["high", "medium", "low", "critical"])[n % 4] });
}
await mock.stop();
