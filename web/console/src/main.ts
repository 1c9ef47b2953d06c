import { mount } from "svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/pages.css";
import App from "./App.svelte";
import { clock } from "./state/clock.svelte";
import { startKeys } from "./state/keys";
import { router } from "./state/router.svelte";
import { session } from "./state/session.svelte";

clock.start();
router.start();
startKeys();
void session.start();

mount(App, { target: document.getElementById("app")! });
