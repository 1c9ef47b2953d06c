package config

import "flag"

// updating says whether the test was started with -update, a flag that the tests of the
// exported API define.
func updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}
