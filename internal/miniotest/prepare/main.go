// Command prepare builds the MinIO server that tests need, if it is not there yet, and
// prints its path. Run it before the tests on a fresh machine: the build may take longer
// than "go test" gives a package by default.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/vedette-cctv/vedette/internal/miniotest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	path, err := miniotest.Build(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(path)
}
