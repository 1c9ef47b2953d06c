package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vedette-cctv/vedette/config"
)

// lines are the mistakes as the operator reads them, without the file's name.
func lines(ms config.Mistakes) []string {
	var all []string
	for line := range strings.SplitSeq(ms.Error(), "\n") {
		all = append(all, strings.TrimPrefix(line, "vedette.yml:"))
	}
	return all
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "empty"), "\n")
	write(t, filepath.Join(dir, "binary"), "\xff\xfe")
	write(t, filepath.Join(dir, "notes.pem"), "not a certificate")
	vars := []string{"EMPTY", "", "WORD", "many", "BAD", "\xff", "DIR", dir, "HOSTPATH", "h/x"}
	s3 := func(line string) string {
		return "storage:\n  bucket:\n    s3: {endpoint: s3.example, bucket: evidence, access_key: A, secret_key: S, " + line + "}\n" + camera()
	}
	for _, c := range []struct {
		name, source string
		want         []string
	}{
		{"empty file", "", []string{"1:1: the file is empty"}},
		{"only a comment", "# nothing\n", []string{"1:1: the file is empty"}},
		{"not a mapping", "- a\n", []string{"1:1: want a mapping, got a list"}},
		{"broken YAML", "cameras: [\n", []string{"1:10: YAML: sequence end token ']' not found"}},
		{"tab for indentation", "cameras:\n\tgate: 1\n", []string{`2:1: YAML: found character '	' that cannot start any token`}},
		{"two documents", "cameras: {}\n---\ncameras: {}\n", []string{"3:1: the file holds more than one YAML document"}},
		{"bare braces in flow", "cameras: {a: {url: ${X}}}\n",
			[]string{`1:21: YAML: ',' or '}' must be specified (inside { } and [ ] put text that holds ${…} in "quotes")`}},
		{"not UTF-8", "cameras: {}\nworkers: \xff\n", []string{"2:10: the file is not UTF-8 text"}},
		{"tag", "cameras: !!map {}\n", []string{"1:10: YAML: tags (!) are not supported"}},
		{"complex key", "? [a]\n: 1\n", []string{`1:1: YAML: keys that begin with "?" are not supported`}},
		{"directive", "%YAML 1.2\n---\ncameras: {}\n", []string{"1:1: YAML: directives (%) are not supported"}},
		{"unknown alias", "cameras: *gone\n", []string{"1:10: cameras: there is no anchor &gone before this alias"}},
		{"alias inside its own anchor", "cameras: &a {gate: *a}\n", []string{"1:20: cameras.gate: there is no anchor &a before this alias"}},

		{"no cameras", "workers: 1\n", []string{"1:1: cameras is missing"}},
		{"misspelt key", "camras: {}\n" + camera(), []string{`1:1: unknown key "camras" (did you mean "cameras"?)`}},
		{"hyphen for underscore", camera("pre-roll: 1s"), []string{`4:5: cameras.gate: unknown key "pre-roll" (did you mean "pre_roll"?)`}},
		{"longer name of a key", rule("{kind: loitering, dwell: 1s, dwell_seconds: 4}"),
			[]string{`8:42: cameras.gate.zones.door.rules[0]: unknown key "dwell_seconds" (did you mean "dwell"?)`}},
		{"key of a section below", camera("fps: 5"), []string{`4:5: cameras.gate: unknown key "fps" (it is written as detect.fps)`}},
		{"key of a zone", camera("polygon: []"), []string{`4:5: cameras.gate: unknown key "polygon" (it is written as zones.NAME.polygon)`}},
		{"nothing near", camera("hwaccel: vaapi"), []string{`4:5: cameras.gate: unknown key "hwaccel"`}},
		{"camera's own in defaults", "defaults:\n  zones: {}\n" + camera(),
			[]string{`2:3: defaults: unknown key "zones" (it belongs to each camera, not to defaults)`}},
		{"key twice", camera("timeout: 1s", "timeout: 2s"), []string{`5:5: cameras.gate.timeout: "timeout" is set twice, first in line 4`}},
		{"camera twice", "cameras:\n  a: {url: rtsp://h}\n  a: {url: rtsp://h}\n", []string{`3:3: cameras.a: "a" is set twice, first in line 2`}},
		{"cameras alike", "cameras:\n  a: {url: rtsp://h}\n  A: {url: rtsp://h, name: x}\n",
			[]string{`3:3: cameras.A: differs from "a" only in upper and lower case`}},
		{"camera names alike", "cameras:\n  a: {url: rtsp://h, name: Gate}\n  b: {url: rtsp://h, name: gate}\n",
			[]string{`3:28: cameras.b: "gate" is also what people call the camera a`}},
		{"bad identifier", "cameras:\n  a b: {url: rtsp://h}\n",
			[]string{`2:3: cameras["a b"]: "a b" is not a name for a camera: want 1 to 64 letters, digits, - and _, beginning with a letter or digit`}},
		{"path out of the folder", "cameras: {../x: {url: rtsp://h}}\n",
			[]string{`1:11: cameras["../x"]: "../x" is not a name for a camera: want 1 to 64 letters, digits, - and _, beginning with a letter or digit`}},

		{"list for a mapping", camera("detect: [1]"), []string{"4:13: cameras.gate.detect: want a mapping, got a list"}},
		{"nothing for a value", camera("timeout:"), []string{"4:5: cameras.gate.timeout: want a duration such as 500ms, 10s or 1m30s, got nothing"}},
		{"number for text", camera("name: 7"), []string{`4:11: cameras.gate.name: want 1 to 100 characters on one line, got a number (put it in "quotes")`}},
		{"text for a number", camera("detect: {fps: '5'}"),
			[]string{"4:19: cameras.gate.detect.fps: want a number from 0 to 120, got text (write it without quotes)"}},
		{"number out of range", camera("detect: {fps: -1}"), []string{"4:19: cameras.gate.detect.fps: want a number from 0 to 120, got -1"}},
		{"not a number", camera("detect: {fps: .nan}"), []string{"4:19: cameras.gate.detect.fps: want a number from 0 to 120, got NaN"}},
		{"infinite", camera("detect: {fps: .inf}"), []string{"4:19: cameras.gate.detect.fps: want a number from 0 to 120, got +Inf"}},
		{"half a worker", "workers: 1.5\n" + camera(), []string{"1:10: workers: want a whole number from 0 to 1024, got 1.5"}},
		{"yes for true", camera("detect: {objects: yes}"),
			[]string{`4:23: cameras.gate.detect.objects: want true or false, got "yes" (write true, without quotes)`}},
		{"no unit", camera("pre_roll: 10"),
			[]string{"4:15: cameras.gate.pre_roll: want a duration such as 500ms, 10s or 1m30s, got a number (a number needs its unit)"}},
		{"unknown unit", camera("pre_roll: 1d"), []string{`4:15: cameras.gate.pre_roll: want a duration such as 500ms, 10s or 1m30s, got "1d"`}},
		{"negative duration", camera("pre_roll: -1s"), []string{`4:15: cameras.gate.pre_roll: must be 0s to 10m, got "-1s"`}},
		{"long duration", camera("timeout: 1h"), []string{`4:14: cameras.gate.timeout: must be 1s to 5m, got "1h"`}},
		{"size without a unit", camera("buffer: {memory: 64}"),
			[]string{"4:22: cameras.gate.buffer.memory: want a size such as 64MiB or 20GiB, got a number (a number needs its unit)"}},
		{"unknown size", camera("buffer: {memory: 64Mb}"),
			[]string{`4:22: cameras.gate.buffer.memory: want a size such as 64MiB or 20GiB, got "64Mb"`}},
		{"age without a unit", camera("record: {keep: 7}"),
			[]string{"4:20: cameras.gate.record.keep: want an age such as 7d, 36h or 30m, got a number (a number needs its unit)"}},
		{"age too great", camera("record: {keep: 4000d}"), []string{`4:20: cameras.gate.record.keep: must be 0s to 3650d, got "4000d"`}},
		{"small size", camera("buffer: {memory: 1KiB}"), []string{`4:22: cameras.gate.buffer.memory: must be 1MiB to 64GiB, got "1KiB"`}},
		{"unknown word", camera("transport: tpc"), []string{`4:16: cameras.gate.transport: want one of tcp, udp, got "tpc" (did you mean "tcp"?)`}},
		{"tilde", "data: ~/x\n" + camera(), []string{"1:7: data: ~ is not expanded (write ${HOME})"}},

		{"unknown variable", camera("name: ${GATE}"), []string{"4:11: cameras.gate.name: the environment has no variable GATE"}},
		{"two unknown variables", camera("name: ${A}${B}"),
			[]string{"4:11: cameras.gate.name: the environment has no variable A", "4:11: cameras.gate.name: the environment has no variable B"}},
		{"variable of another type", "workers: ${WORD}\n" + camera(), []string{`1:10: workers: want a whole number from 0 to 1024, got the value of "${WORD}"`}},
		{"variable that is not text", camera("name: ${BAD}"), []string{"4:11: cameras.gate.name: the variable BAD is not UTF-8 text"}},
		{"open brace", camera("name: a ${B"), []string{"4:11: cameras.gate.name: ${ without a closing } (write $${ where ${ itself is meant)"}},
		{"no variable", camera("name: a ${1}"), []string{"4:11: cameras.gate.name: a ${…} that names no variable (write $${ where ${ itself is meant)"}},

		{"no url", "cameras:\n  gate:\n    name: Gate\n", []string{"2:3: cameras.gate: url is missing"}},
		{"camera without anything", "cameras:\n  gate:\n", []string{"2:3: cameras.gate: url is missing"}},
		{"other scheme", "cameras: {a: {url: http://h/}}", []string{"1:20: cameras.a.url: want a URL that begins with rtsp:// or rtsps://, not http://"}},
		{"no scheme", "cameras: {a: {url: 192.0.2.1/main}}", []string{"1:20: cameras.a.url: want a URL that begins with rtsp:// or rtsps://"}},
		{"no host", "cameras: {a: {url: rtsp:///main}}", []string{"1:20: cameras.a.url: the URL names no host"}},
		{"port 0", "cameras: {a: {url: rtsp://h:0/}}", []string{"1:20: cameras.a.url: the port must be 1 to 65535"}},
		{"empty variable in a secret", "cameras: {a: {url: '${EMPTY}'}}", []string{`1:20: cameras.a.url: "${EMPTY}" is empty`}},
		{"host variable with a path", "cameras: {a: {url: 'rtsp://${HOSTPATH}/'}}",
			[]string{"1:20: cameras.a.url: the variable that stands for the host holds more than a host and a port"}},
		{"rtsps over udp", camera("detect_url: rtsps://h/sub", "transport: udp"),
			[]string{"4:17: cameras.gate.detect_url: rtsps:// cannot be carried over udp (set transport: tcp for this camera)"}},
		{"same stream twice", camera("detect_url: rtsp://192.0.2.10/main"), []string{"4:17: cameras.gate.detect_url: is the same as url (leave it out)"}},
		{"authority without rtsps", camera("ca_file: ${DIR}/notes.pem"), []string{
			"4:5: cameras.gate.ca_file: means nothing without an rtsps:// URL",
			`4:14: cameras.gate.ca_file: "${DIR}/notes.pem" holds no PEM certificate`}},
		{"authority that is not there", "defaults:\n  ca_file: ${DIR}/gone.pem\n" + camera(),
			[]string{`2:12: defaults.ca_file: "${DIR}/gone.pem": no such file or directory`}},

		{"polygon of nothing", camera("zones:", "  a: {polygon: }"), []string{"5:11: cameras.gate.zones.a.polygon: want 3 to 256 entries, got 0"}},
		{"two corners", camera("zones: {a: {polygon: [[0, 0], [1, 1]]}}"),
			[]string{"4:26: cameras.gate.zones.a.polygon: want 3 to 256 entries, got 2"}},
		{"pixels", camera("zones: {a: {polygon: [[0, 0], [640, 0], [640, 480]]}}"), []string{
			"4:36: cameras.gate.zones.a.polygon[1][0]: want a number from 0 to 1, got 640 (coordinates are fractions of the picture: divide pixels by its width or height)",
			"4:46: cameras.gate.zones.a.polygon[2][0]: want a number from 0 to 1, got 640 (coordinates are fractions of the picture: divide pixels by its width or height)"}},
		{"negative corner", camera("zones: {a: {polygon: [[0, -0.1], [1, 0], [1, 1]]}}"),
			[]string{"4:31: cameras.gate.zones.a.polygon[0][1]: want a number from 0 to 1, got -0.1"}},
		{"corner in space", camera("zones: {a: {polygon: [[0, 0, 0], [1, 0], [1, 1]]}}"),
			[]string{"4:27: cameras.gate.zones.a.polygon[0]: want exactly 2 entries, got 3"}},
		{"flat list", camera("zones: {a: {polygon: [0, 0, 1]}}"), []string{
			"4:27: cameras.gate.zones.a.polygon[0]: want a corner [x, y], got a number",
			"4:30: cameras.gate.zones.a.polygon[1]: want a corner [x, y], got a number",
			"4:33: cameras.gate.zones.a.polygon[2]: want a corner [x, y], got a number"}},
		{"bow tie", camera("zones: {a: {polygon: [[0, 0], [1, 1], [1, 0], [0, 1]]}}"),
			[]string{"4:43: cameras.gate.zones.a.polygon: the outline crosses or touches itself"}},
		{"line", camera("zones: {a: {polygon: [[0, 0], [0.5, 0.5], [1, 1]]}}"), []string{"4:27: cameras.gate.zones.a.polygon: covers no area"}},
		{"closed ring", camera("zones: {a: {polygon: [[0, 0], [1, 0], [1, 1], [0, 0]]}}"),
			[]string{"4:27: cameras.gate.zones.a.polygon: two neighbouring corners are the same (the last corner joins the first by itself: leave the repeated one out)"}},
		{"mask", "defaults:\n  detect:\n    masks:\n      - [[0, 0], [1, 1]]\n" + camera(), []string{"4:9: defaults.detect.masks[0]: want 3 to 256 entries, got 2"}},

		{"unknown kind", rule("{kind: loitring, dwell: 10s}"),
			[]string{`8:20: cameras.gate.zones.door.rules[0].kind: want one of motion, intrusion, loitering, returning, line, crowd, left_object, removed_object, got "loitring" (did you mean "loitering"?)`}},
		{"no kind", rule("{dwell: 10s}"), []string{"8:13: cameras.gate.zones.door.rules[0]: kind is missing"}},
		{"loitering without dwell", rule("{kind: loitering}"),
			[]string{"8:13: cameras.gate.zones.door.rules[0]: loitering needs dwell (how long somebody must stay, such as dwell: 10s)"}},
		{"loitering for no time", rule("{kind: loitering, dwell: 0s}"),
			[]string{"8:38: cameras.gate.zones.door.rules[0].dwell: loitering needs a dwell longer than 0"}},
		{"unknown severity", rule("{kind: motion, severity: severe}"),
			[]string{`8:38: cameras.gate.zones.door.rules[0].severity: want one of low, medium, high, critical, got "severe"`}},
		{"unknown label", rule("{kind: motion, labels: [persn]}"),
			[]string{`8:37: cameras.gate.zones.door.rules[0].labels[0]: the weights know no class "persn" (did you mean "person"?)`}},
		{"label without objects", rule("{kind: motion, labels: [person]}") + "    detect: {objects: false}\n",
			[]string{"8:28: cameras.gate.zones.door.rules[0].labels: no track gets a label while detect.objects is false"}},
		{"score above 1", rule("{kind: motion, min_score: 50}"),
			[]string{"8:39: cameras.gate.zones.door.rules[0].min_score: want a number from 0 to 1, got 50"}},
		{"keys of other kinds", rule("{kind: motion, line: [[0.1, 0.2], [0.5, 0.2]], count: 3}", "{kind: line, line: [[0.1, 0.2], [0.5, 0.2]], dwell: 3s}"), []string{
			"8:28: cameras.gate.zones.door.rules[0]: line means nothing for motion (it belongs to line)",
			"8:60: cameras.gate.zones.door.rules[0]: count means nothing for motion (it belongs to crowd)",
			"9:58: cameras.gate.zones.door.rules[1]: dwell means nothing for line (it belongs to motion, intrusion and loitering)"}},
		{"key of another kind that is wrong too", rule("{kind: motion, direction: up}"), []string{
			"8:28: cameras.gate.zones.door.rules[0]: direction means nothing for motion (it belongs to line)",
			`8:39: cameras.gate.zones.door.rules[0].direction: want one of any, to_left, to_right, got "up"`}},
		{"what the rules are about", rule("{kind: returning}", "{kind: line}", "{kind: crowd}"), []string{
			"8:13: cameras.gate.zones.door.rules[0]: returning needs visits (how many visits are too many, such as visits: 3)",
			"8:13: cameras.gate.zones.door.rules[0]: returning needs window (the time within which they lie, such as window: 2h)",
			"9:13: cameras.gate.zones.door.rules[1]: line needs line (what must be crossed, such as line: [[0.2, 0.6], [0.8, 0.6]])",
			"10:13: cameras.gate.zones.door.rules[2]: crowd needs count (how many are still no crowd, such as count: 5)",
			"10:13: cameras.gate.zones.door.rules[2]: crowd needs for (how long there must be more, such as for: 30s)"}},
		{"dwell shorter than grace", rule("{kind: loitering, dwell: 2s, grace: 3s}"), []string{
			"8:49: cameras.gate.zones.door.rules[0].grace: is longer than dwell: 2s, so two glimpses with nothing between them would raise an alarm (make dwell longer, or grace 2s at most)"}},
		{"for shorter than grace", rule("{kind: crowd, count: 3, for: 2s, grace: 1m}"), []string{
			"8:53: cameras.gate.zones.door.rules[0].grace: is longer than for: 2s, so two glimpses with nothing between them would raise an alarm (make for longer, or grace 2s at most)"}},
		{"window too short", rule("{kind: returning, visits: 4, window: 14s}"), []string{
			"8:50: cameras.gate.zones.door.rules[0].window: 4 visits that lie more than grace: 5s apart take longer than 14s (make window longer, or visits or grace smaller)"}},
		{"one visit", rule("{kind: returning, visits: 1, window: 1h}"),
			[]string{"8:39: cameras.gate.zones.door.rules[0].visits: want a whole number from 2 to 100, got 1"}},
		{"left for no time", rule("{kind: left_object, for: 0}"), []string{"8:38: cameras.gate.zones.door.rules[0].for: left_object needs a for longer than 0"}},
		{"left for longer than the scene remembers", rule("{kind: removed_object, for: 61m}"), []string{
			`8:41: cameras.gate.zones.door.rules[0].for: must be 1h at most for removed_object, because what has changed for longer becomes part of the scene, got "61m"`}},
		{"score without labels", rule("{kind: motion, min_score: 0.5}", "{kind: motion, labels: [unknown], min_score: 0.5}"), []string{
			"8:28: cameras.gate.zones.door.rules[0].min_score: only what has a label has a score, and the rule asks for no label (say which, such as labels: [person])",
			"9:47: cameras.gate.zones.door.rules[1].min_score: only what has a label has a score, and the rule asks for no label (say which, such as labels: [person])"}},
		{"size in percent", rule("{kind: motion, min_size: 2}"),
			[]string{"8:38: cameras.gate.zones.door.rules[0].min_size: want a number from 0 to 1, got 2 (it is a fraction of the picture: 0.01 is 1 %)"}},
		{"radius larger than the picture", rule("{kind: loitering, dwell: 5s, max_radius: 40}"),
			[]string{"8:54: cameras.gate.zones.door.rules[0].max_radius: want a number from 0 to 1, got 40 (it is a fraction of the picture's height: 0.01 is 1 %)"}},
		{"negative cool-down", rule("{kind: motion, cool_down: -5s}"),
			[]string{`8:39: cameras.gate.zones.door.rules[0].cool_down: must be 0s to 24h, got "-5s"`}},

		{"one point is no line", rule("{kind: line, line: [[0.1, 0.2]]}"), []string{"8:32: cameras.gate.zones.door.rules[0].line: want 2 to 16 entries, got 1"}},
		{"line outside the picture", rule("{kind: line, line: [[0.1, 0.2], [1.5, 0.2]]}"), []string{
			"8:46: cameras.gate.zones.door.rules[0].line[1][0]: want a number from 0 to 1, got 1.5 (coordinates are fractions of the picture: divide pixels by its width or height)"}},
		{"line of one place", rule("{kind: line, line: [[0.2, 0.2], [0.2, 0.2]]}"),
			[]string{"8:45: cameras.gate.zones.door.rules[0].line: two neighbouring points are the same"}},
		{"line that crosses itself", rule("{kind: line, line: [[0.1, 0.1], [0.4, 0.4], [0.4, 0.1], [0.1, 0.4]]}"),
			[]string{"8:57: cameras.gate.zones.door.rules[0].line: the line crosses or touches itself, so that its sides cannot be told"}},
		{"line outside its zone", rule("{kind: line, line: [[0.1, 0.9], [0.9, 0.9]]}"), []string{
			"8:32: cameras.gate.zones.door.rules[0].line: lies outside its zone (only what crosses the line inside its zone counts: leave polygon out, or draw it around the line)"}},
		{"zone smaller than a person", camera("zones: {a: {polygon: [[0.5, 0.5], [0.503, 0.5], [0.503, 0.9], [0.5, 0.9]]}}"), []string{
			"4:26: cameras.gate.zones.a.polygon: is smaller than a person could be: 0.3 % of the picture wide and 40 % high, and below 0.5 % no foot point can be followed (draw it where people stand, as large as what they can stand on)"}},

		{"schedule without entries", rule("{kind: motion, schedule: []}"),
			[]string{"8:28: cameras.gate.zones.door.rules[0].schedule: never applies: it has no entry (leave schedule out for always)"}},
		{"schedule without days", rule("{kind: motion, schedule: [{days: []}]}"),
			[]string{"8:40: cameras.gate.zones.door.rules[0].schedule[0].days: never applies: it has no day (leave days out for every day)"}},
		{"schedule that says nothing", rule("{kind: motion, schedule: [{}]}"),
			[]string{"8:39: cameras.gate.zones.door.rules[0].schedule[0]: says nothing (leave schedule out for always)"}},
		{"schedule that ends when it begins", rule(`{kind: motion, schedule: [{from: "07:00", to: "07:00"}, {to: "00:00"}, {from: "00:00"}]}`), []string{
			`8:59: cameras.gate.zones.door.rules[0].schedule[0]: never applies: it ends when it begins (for the whole day leave both out, or write from: "00:00", to: "24:00")`,
			`8:74: cameras.gate.zones.door.rules[0].schedule[1]: never applies: it ends when it begins (for the whole day leave both out, or write from: "00:00", to: "24:00")`}},
		{"one word for days", rule("{kind: motion, schedule: [{days: weekdays}]}"),
			[]string{"8:46: cameras.gate.zones.door.rules[0].schedule[0].days: want a list, got text (write [weekdays])"}},
		{"misspelt day", rule("{kind: motion, schedule: [{days: [weekday, mon]}]}"),
			[]string{`8:47: cameras.gate.zones.door.rules[0].schedule[0].days[0]: want one of mon, tue, wed, thu, fri, sat, sun, weekdays, weekend, daily, got "weekday" (did you mean "weekdays"?)`}},
		{"times that are none", rule(`{kind: motion, schedule: [{from: "24:00", to: "25:00"}, {from: 7, to: "7am"}, {from: "12:60"}]}`), []string{
			`8:46: cameras.gate.zones.door.rules[0].schedule[0].from: want a time of day such as 06:00 or 22:30, got "24:00" (write 00:00 for the beginning of a day)`,
			`8:59: cameras.gate.zones.door.rules[0].schedule[0].to: want a time of day such as 06:00 or 22:30, got "25:00"`,
			`8:76: cameras.gate.zones.door.rules[0].schedule[1].from: want a time of day such as 06:00 or 22:30, got a number (put it in "quotes")`,
			`8:83: cameras.gate.zones.door.rules[0].schedule[1].to: want a time of day such as 06:00 or 22:30, got "7am"`,
			`8:98: cameras.gate.zones.door.rules[0].schedule[2].from: want a time of day such as 06:00 or 22:30, got "12:60"`}},
		{"unknown zone of time", rule("{kind: motion, schedule: [{days: [sat], time_zone: Europe/Wien}, {days: [sun], time_zone: Local}]}"), []string{
			`8:64: cameras.gate.zones.door.rules[0].schedule[0].time_zone: want the name of a time zone such as Europe/Vienna or UTC, got "Europe/Wien" (names are those of the IANA time zone database: Continent/City)`,
			`8:103: cameras.gate.zones.door.rules[0].schedule[1].time_zone: want the name of a time zone such as Europe/Vienna or UTC, got "Local" (names are those of the IANA time zone database: Continent/City)`}},
		{"schedule twice", rule("{kind: motion, schedule: [{days: [sat, sun]}, {days: [weekend]}]}"),
			[]string{"8:59: cameras.gate.zones.door.rules[0].schedule[1]: is the same as schedule[0]"}},

		{"unknown trouble", camera("health: {blurred: {for: 3s}}"), []string{`4:14: cameras.gate.health: unknown key "blurred"`}},
		{"trouble without a confirming time", camera("health: {covered: {for: 0}}"),
			[]string{"4:29: cameras.gate.health.covered.for: must be 1s to 1h, got \"0\""}},
		{"rule twice", rule("{kind: motion}", "{kind: motion, grace: 2s}"), []string{"9:13: cameras.gate.zones.door.rules[1]: is the same as rules[0]"}},

		{"open to the network", "web: {listen: ':8080'}\n" + camera(), []string{
			`1:15: web.listen: ":8080" can be reached from other machines, and without TLS passwords and footage would cross the network in the clear (set tls_cert and tls_key, or behind_proxy: true when a proxy in front speaks TLS)`}},
		{"login without an end", "web: {session: {lifetime: 1h, idle: 2h}}\n" + camera(), []string{
			"1:37: web.session: idle is longer than lifetime, and would never end a login"}},
		{"no port", "web: {listen: localhost}\n" + camera(), []string{`1:15: web.listen: want host:port, got "localhost"`}},
		{"big port", "web: {listen: localhost:70000}\n" + camera(), []string{`1:15: web.listen: want host:port with a port up to 65535, got "localhost:70000"`}},
		{"key without certificate", "web: {tls_key: k}\n" + camera(), []string{"1:7: web: tls_key needs tls_cert"}},
		{"certificate without key", "web: {tls_cert: '${DIR}/notes.pem'}\n" + camera(), []string{
			"1:7: web: tls_cert needs tls_key", `1:17: web.tls_cert: "${DIR}/notes.pem" holds no PEM certificate`}},
		{"two buckets", "storage: {bucket: {disk: {}, s3: {endpoint: h, bucket: abc, access_key: a, secret_key: b}}}\n" + camera(),
			[]string{"1:11: storage.bucket: only one of disk and s3 may be given"}},
		{"bucket without secrets", "storage:\n  bucket:\n    s3: {endpoint: s3.example, bucket: evidence}\n" + camera(),
			[]string{"3:5: storage.bucket.s3: access_key is missing", "3:5: storage.bucket.s3: secret_key is missing"}},
		{"endpoint with a scheme", "storage:\n  bucket:\n    s3: {endpoint: 'https://s3.example', bucket: evidence, access_key: A, secret_key: S}\n" + camera(),
			[]string{`3:20: storage.bucket.s3.endpoint: want host or host:port, without https://, got "https://s3.example"`}},
		{"prefix up", s3("prefix: ../x"), []string{`3:88: storage.bucket.s3.prefix: want names joined by /, with no / in front, got "../x"`}},
		{"authority without TLS", s3("tls: false, ca_file: '${DIR}/notes.pem'"), []string{
			"3:92: storage.bucket.s3.ca_file: contradicts tls: false",
			`3:101: storage.bucket.s3.ca_file: "${DIR}/notes.pem" holds no PEM certificate`}},
		{"number for a secret", "storage: {bucket: {s3: {endpoint: h, bucket: abc, access_key: 12, secret_key: x}}}\n" + camera(),
			[]string{`1:63: storage.bucket.s3.access_key: want text, got a number (put it in "quotes")`}},
		{"secret file that is not there", "storage: {index: {postgres: {dsn: 'file:gone'}}}\n" + camera(),
			[]string{`1:35: storage.index.postgres.dsn: secret file "gone": no such file or directory`}},
		{"secret file that is empty", "storage: {index: {postgres: {dsn: 'file:${DIR}/empty'}}}\n" + camera(),
			[]string{`1:35: storage.index.postgres.dsn: secret file "${DIR}/empty": is empty`}},
		{"secret file that is not text", "storage: {index: {postgres: {dsn: 'file:${DIR}/binary'}}}\n" + camera(),
			[]string{`1:35: storage.index.postgres.dsn: secret file "${DIR}/binary": is not UTF-8 text`}},
		{"secret file that never ends", "storage: {index: {postgres: {dsn: 'file:/dev/zero'}}}\n" + camera(),
			[]string{`1:35: storage.index.postgres.dsn: secret file "/dev/zero": not a regular file`}},
		{"database of another kind", "storage: {index: {postgres: {dsn: 'mysql://h/x'}}}\n" + camera(),
			[]string{"1:35: storage.index.postgres.dsn: want a URL that begins with postgres://"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			same(t, lines(mistakes(t, c.source, vars...)), c.want)
		})
	}
}

// All mistakes come at once, in the file's order, whatever section they are in.
func TestAllMistakesAtOnce(t *testing.T) {
	ms := mistakes(t, `wokers: 2
cameras:
  gate:
    url: rtsp://viewer:${GATE_PASSWORD}@192.0.2.10/main
    timeout: 10
    zones:
      door:
        polygon: [[0.4, 0.36], [0.66, 1.36], [0.66, 0.56]]
        rules:
          - {kind: loitering, dwel: 10s}
web: {listen: 80}
`)
	var got []string
	for _, m := range ms {
		got = append(got, fmt.Sprintf("%d:%d %s", m.Line, m.Column, m.Path))
	}
	same(t, got, []string{
		"1:1 ",
		"4:10 cameras.gate.url",
		"5:14 cameras.gate.timeout",
		"8:39 cameras.gate.zones.door.polygon[1][1]",
		"10:13 cameras.gate.zones.door.rules[0]",
		"10:31 cameras.gate.zones.door.rules[0]",
		"11:15 web.listen",
	})
}

// A password in the file must not come back in a mistake, whatever is wrong with it.
func TestMistakesKeepSecrets(t *testing.T) {
	for _, url := range []string{
		"rtsp://viewer:hunter2/x@192.0.2.10/main", "rtsp://viewer:hunter2#x@192.0.2.10/main", "rtsp://viewer:hunter2?x@192.0.2.10/main",
		"rtsp://viewer:12/hunter2@192.0.2.10/main", "rtsp://viewer:hunter2%zz@192.0.2.10/main", "hunter2://x", "hunter2",
		"rtsp://viewer:hunter2@", "rtsp://viewer:hunter2 x@h/", "rtsp://viewer:${hunter2 x}@h/", "rtsp://viewer:hunter2@h:99999/",
		"rtsp://viewer:${HUNTER}@h:99999/", "rtsp://viewer:${HUNTER}@h/#", "${HUNTER}",
	} {
		for _, source := range []string{
			"cameras: {gate: {url: '" + url + "'}}",
			"storage: {index: {postgres: {dsn: '" + strings.Replace(url, "rtsp", "mysql", 1) + "'}}}\ncameras: {}",
			"storage: {bucket: {s3: {endpoint: h, bucket: abc, access_key: ['" + url + "'], secret_key: {a: '" + url + "'}}}}\ncameras: {}",
		} {
			ms := mistakes(t, source, "HUNTER", "hunter2")
			if strings.Contains(ms.Error(), "hunter2") {
				t.Errorf("%s\nshows the password: %v", source, ms)
			}
		}
	}
}

func TestMistakesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("cameras: {}\n")
	for i := range 2000 {
		fmt.Fprintf(&b, "k%d: 1\n", i)
	}
	ms := mistakes(t, b.String())
	if len(ms) != 201 {
		t.Fatalf("got %d mistakes, want 200 and the count of the rest", len(ms))
	}
	if got, want := ms[200].Message, "and 1800 more mistakes"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLimits(t *testing.T) {
	many := func(n int, of func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(of(i))
		}
		return b.String()
	}
	for _, c := range []struct{ name, source, want string }{
		{"size", "# " + strings.Repeat("x", 1<<20), "the file is larger than 1024 KiB"},
		{"braces", strings.Repeat("[", 20_000), "nested more than 32 deep"},
		{"mappings in braces", strings.Repeat("{a: ", 10_000), "nested more than 32 deep"},
		{"dashes", strings.Repeat("- ", 20_000), "nested more than 32 deep"},
		{"indentation", many(1000, func(i int) string { return strings.Repeat(" ", i) + "a:\n" }), "nested more than 32 deep"},
		{"keys", many(5_000, func(i int) string { return fmt.Sprintf("k%d: 1\n", i) }), "more than 2048 entries in one mapping or list"},
		{"keys in braces", "{" + many(5_000, func(i int) string { return fmt.Sprintf("k%d, ", i) }) + "}", "more than 2048 entries in one mapping or list"},
		{"items", strings.Repeat("-\n", 20_000), "more than 2048 entries in one mapping or list"},
		{"anchors", many(2000, func(i int) string { return fmt.Sprintf("k%d: &a%d 1\n", i, i) }), "more than 256 anchors (&)"},
		{"consecutive anchors", strings.Repeat("&a ", 10_000), "more than 256 anchors (&)"},
		{"aliases", "a: &a 1\nb: [" + strings.Repeat("*a, ", 5000) + "]\n", "more than 4096 aliases (*)"},
		{"billion laughs", "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + many(12, func(i int) string {
			return fmt.Sprintf("%c: &%c [%s]\n", 'b'+i, 'b'+i, strings.Repeat(fmt.Sprintf("*%c,", 'a'+i), 10))
		}) + "cameras: *m\n", "the file holds more than 200000 values once its aliases are followed"},
		{"cameras", "cameras: {" + many(1025, func(i int) string { return fmt.Sprintf("c%d: {url: rtsp://h}, ", i) }) + "}", "want at most 1024 entries, got 1025"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, m := range mistakes(t, c.source) {
				if m.Message == c.want {
					return
				}
			}
			t.Errorf("no mistake says %q:\n%.400s", c.want, mistakes(t, c.source).Error())
		})
	}
}

func TestExcerpt(t *testing.T) {
	source := "cameras:\n  gäte:\n\t  url: rtsp://viewer:hünter2@h/x\n    detect: {url: \"rtsp://v:${P}@h/\"}\nsecret_key: 'abc', access_key: ${K}\ndsn: host=h password=abc x\r\n"
	for _, c := range []struct {
		line, column int
		want         string
	}{
		{1, 1, "1 | cameras:\n  | ^\n"},
		{2, 8, "2 |   gäte:\n  |        ^\n"},
		{3, 9, "3 | \t  url: rtsp://viewer:*******@h/x\n  | \t       ^\n"},
		{4, 13, "4 |     detect: {url: \"rtsp://v:${P}@h/\"}\n  |             ^\n"},
		{5, 1, "5 | secret_key: *****, access_key: ${K}\n  | ^\n"},
		{6, 6, "6 | dsn: host=h password=*** x\n  |      ^\n"},
		{99, 1, ""},
		{0, 1, ""},
	} {
		got := config.Excerpt(config.Mistake{Line: c.line, Column: c.column}, []byte(source))
		if got != c.want {
			t.Errorf("line %d:\ngot:\n%swant:\n%s", c.line, got, c.want)
		}
	}
}

// A mistake's place is where a person would look for it: the excerpt's caret must stand
// under the word that is wrong, also after characters of several bytes.
func TestCaretStandsUnderTheWord(t *testing.T) {
	source := "cameras:\n  gate: {name: \"Tür ✓\", url: rtsp://h/, transport: \"tpc\"}\n"
	m := mistakes(t, source)[0]
	want := "2 |   gate: {name: \"Tür ✓\", url: rtsp://h/, transport: \"tpc\"}\n" +
		"  | " + strings.Repeat(" ", len([]rune(`  gate: {name: "Tür ✓", url: rtsp://h/, transport: `))) + "^\n"
	if got := config.Excerpt(m, []byte(source)); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestUnreadableSecretFile(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	file := filepath.Join(t.TempDir(), "key")
	write(t, file, "x")
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	ms := mistakes(t, "cameras: {gate: {url: 'file:"+file+"'}}")
	same(t, ms[0].Message, fmt.Sprintf("secret file %q: permission denied", file))
}
