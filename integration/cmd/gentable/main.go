// Command gentable writes the command table of package command from what the servers
// of the test matrix answer to COMMAND and COMMAND DOCS. Only facts are taken: names,
// arity, flags, key positions, and the version that brought the command.
//
// Run it from the folder integration:
//
//	go run ./cmd/gentable
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
)

// timeout bounds a run, the making of the servers' images included.
const timeout = 10 * time.Minute

func main() {
	output := flag.String("o", "../redis/command/table_gen.go", "the `file` to write")
	check := flag.Bool("check", false, "write nothing, and fail where the file differs from what servers say")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := run(ctx, *output, *check); err != nil {
		fmt.Fprintln(os.Stderr, "gentable:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, output string, check bool) (err error) {
	if err := servers.Setup(ctx, os.Stderr); err != nil {
		return err
	}
	defer func() {
		if closeErr := servers.Close(); err == nil {
			err = closeErr
		}
	}()
	text, count, err := generate(ctx)
	if err != nil {
		return err
	}
	if !check {
		fmt.Fprintf(os.Stderr, "gentable: writing %d commands to %s\n", count, output)
		return os.WriteFile(output, text, 0o644)
	}
	written, err := os.ReadFile(output)
	if err != nil {
		return err
	}
	if !bytes.Equal(written, text) {
		return fmt.Errorf("%s differs from what the servers say: run gentable and look at what changed", output)
	}
	fmt.Fprintf(os.Stderr, "gentable: the %d commands of %s are what the servers say\n", count, output)
	return nil
}

// generate asks every server of the matrix and returns the source text of the table.
func generate(ctx context.Context) (text []byte, count int, err error) {
	started, err := servers.StartMatrix(ctx, servers.Config{})
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		for _, server := range started {
			if closeErr := server.Close(); err == nil {
				err = closeErr
			}
		}
	}()
	if want := len(servers.Matrix()); len(started) != want {
		return nil, 0, fmt.Errorf("%d of %d servers can be had here: the table needs all, so run it where there is a Docker engine", len(started), want)
	}
	var merged table
	for _, server := range started {
		if server.Role() == "redis6" {
			continue // it says nothing of sub-commands; it has no command that Redis 7.0 lacks
		}
		commands, err := ask(ctx, server.Addr)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", server.Role(), err)
		}
		if err := merged.add(server.Role(), server.Version(), commands); err != nil {
			return nil, 0, err
		}
	}
	text, err = merged.source()
	return text, len(merged.entries), err
}
