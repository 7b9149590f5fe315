// Shardfeed is a feed of prices over the shard channels of a cluster. A table shows, for
// each symbol, which node serves its channel, while slots move and nodes die:
//
//	go -C examples run ./shardfeed -demo
//	go -C examples run ./shardfeed -addr 127.0.0.1:7000
//
// -demo starts a cluster of its own, from containers where there is a Docker engine, else
// from the redis-server or valkey-server that is installed; it moves slots about, and kills
// a primary now and then. -addr takes a cluster that is there, by any of its nodes, or by a
// URL such as redis+cluster://user:password@host:7000, and does nothing to it but publish.
//
// The part to copy is follow.go.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/redchan-go/redchan/cluster"
)

// config is what the command line says.
type config struct {
	url     string
	demo    bool
	publish bool
	symbols []string
}

func main() {
	var c config
	addr := flag.String("addr", "127.0.0.1:7000", "nodes of a cluster, host:port with commas between, or its URL")
	symbols := flag.String("symbols", "EURUSD,USDJPY,GBPUSD,USDCHF,AUDUSD,USDCAD,NZDUSD,EURGBP", "what to follow, at most 32")
	flag.BoolVar(&c.demo, "demo", false, "start a cluster, move its slots, and kill its primaries")
	flag.BoolVar(&c.publish, "publish", true, "publish prices; without it somebody else has to")
	flag.Parse()
	c.symbols = parseSymbols(*symbols)
	if c.url = *addr; !strings.Contains(c.url, "://") {
		c.url = "redis+cluster://" + c.url
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	out := newScreen(os.Stdout, isTerminal(os.Stdout))
	err := run(ctx, c, out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "shardfeed:", err)
		os.Exit(1)
	}
}

// parseSymbols returns each symbol of a list once.
func parseSymbols(list string) []string {
	var symbols []string
	for symbol := range strings.SplitSeq(list, ",") {
		if symbol = strings.TrimSpace(symbol); symbol != "" && !slices.Contains(symbols, symbol) {
			symbols = append(symbols, symbol)
		}
	}
	return symbols
}

// maxSymbols fit on a screen.
const maxSymbols = 32

// run publishes prices, follows them, and in a demo moves the ground under both, until ctx
// ends, which is no error. Nothing of it is left when it returns.
func run(ctx context.Context, c config, out *screen) (err error) {
	if len(c.symbols) == 0 {
		return errors.New("there are no symbols to follow")
	}
	if len(c.symbols) > maxSymbols {
		return fmt.Errorf("%d symbols are more than %d", len(c.symbols), maxSymbols)
	}
	notes := make(chan string) // what the demo has to say
	var d *demo
	if c.demo {
		if d, err = startDemo(ctx, os.Stderr); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, d.close()) }()
		c.url = d.url()
	}
	client, err := cluster.Open(ctx, c.url)
	if err != nil {
		return err
	}
	defer client.Close()

	group, working := errgroup.WithContext(ctx)
	group.Go(func() error { return follow(working, client, c.symbols, notes, out) })
	if c.publish {
		group.Go(func() error { return publish(working, client, c.symbols) })
	}
	if d != nil {
		group.Go(func() error { return d.run(working, c.symbols, notes) })
	}
	if err := group.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

// isTerminal reports whether a person sits at the other end of f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
