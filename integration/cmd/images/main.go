// Command images makes the images of all servers that the tests run against ready,
// so that what may take a minute is seen and over before the first test.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
)

// timeout bounds a run.
const timeout = 10 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if err := servers.Setup(ctx, os.Stderr); err != nil {
		return err
	}
	return errors.Join(servers.Prepare(ctx), servers.Close())
}
