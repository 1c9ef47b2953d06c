package clip

import (
	"fmt"
	"os"
)

// child is what the test binary does when a test runs it as another process.
func child(name string, args []string) int {
	fmt.Fprintln(os.Stderr, "unknown child", name, args)
	return 2
}
