// Command bench does the same work with redchan and with other Redis clients for Go,
// against a server that it starts itself on loopback, and writes tables, a picture
// and all raw results:
//
//	go -C bench run .                        everything, about half an hour
//	go -C bench run . -quick                 what goals are about, in less than five minutes
//	go -C bench run . -only 'get/64|pubsub'  only some workloads
//
// Each client's turn at a workload is a process of its own. Rounds are interleaved:
// all clients have a first turn, then all a second one, so that what the machine does
// meanwhile meets all alike.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/redchan-go/redchan/bench/internal/load"
	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/server"
	"github.com/redchan-go/redchan/bench/internal/wire"
)

// settings are the command line.
type settings struct {
	quick    bool
	only     string
	clients  string
	rounds   int
	duration time.Duration
	addr     string
	program  string
	out      string
	profiles string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	hidden, err := load.Hidden(ctx, os.Args)
	if !hidden {
		err = run(ctx, os.Args[1:])
	}
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// parse reads the command line.
func parse(arguments []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.BoolVar(&s.quick, "quick", false, "only the workloads that goals are about, in less than five minutes")
	flags.StringVar(&s.only, "only", "", "only workloads whose name matches this `regexp`")
	flags.StringVar(&s.clients, "clients", strings.Join(peer.Names(), ","), "the clients, with commas")
	flags.IntVar(&s.rounds, "rounds", 0, "`rounds` of each workload (default 5; 3 with -quick)")
	flags.DurationVar(&s.duration, "duration", 0, "how long each turn is measured (default 500ms; 150ms with -quick)")
	flags.StringVar(&s.addr, "addr", "", "`host:port` of a running server; its keys redchan-bench:* are overwritten and deleted")
	flags.StringVar(&s.program, "server", "", "`program` of the server to start (default $"+server.Variable+
		", else redis-server or valkey-server on PATH, else a Docker image)")
	flags.StringVar(&s.out, "out", "results", "`directory` for report.md, picture.svg and results.json")
	flags.StringVar(&s.profiles, "profile", "", "`directory` for a CPU profile of each turn, which costs a little; "+
		"read them with go tool pprof")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	rounds, duration := 5, 500*time.Millisecond
	if s.quick {
		rounds, duration = 3, 150*time.Millisecond
	}
	if s.rounds <= 0 {
		s.rounds = rounds
	}
	if s.duration <= 0 {
		s.duration = duration
	}
	return s, nil
}

// workloads returns those that are wanted.
func (s settings) workloads() ([]load.Workload, error) {
	pattern, err := regexp.Compile(s.only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var chosen []load.Workload
	for _, workload := range load.Workloads() {
		if pattern.MatchString(workload.Name) && (workload.Quick || !s.quick) {
			chosen = append(chosen, workload)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no workload matches %q", s.only)
	}
	return chosen, nil
}

// clientNames returns the clients that are wanted, in their own order.
func (s settings) clientNames() ([]string, error) {
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(s.clients, ",") {
		wanted[strings.TrimSpace(name)] = true
	}
	var chosen []string
	for _, name := range peer.Names() {
		if wanted[name] {
			chosen = append(chosen, name)
			delete(wanted, name)
		}
	}
	for name := range wanted {
		return nil, fmt.Errorf("no client %q: the clients are %s", name, strings.Join(peer.Names(), ", "))
	}
	return chosen, nil
}

// run is the program that a user started.
func run(ctx context.Context, arguments []string) (err error) {
	s, err := parse(arguments)
	if err != nil {
		return err
	}
	workloads, err := s.workloads()
	if err != nil {
		return err
	}
	clients, err := s.clientNames()
	if err != nil {
		return err
	}
	if s.profiles != "" {
		if err := os.MkdirAll(s.profiles, 0o777); err != nil {
			return err
		}
	}
	target, err := s.server(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	admin, err := wire.Dial(ctx, "tcp", target.Addr)
	if err != nil {
		return err
	}
	defer admin.Close()
	if err := load.Fill(admin); err != nil {
		return err
	}
	if target.Socket == "" {
		workloads = withoutUnix(workloads)
	}

	fmt.Fprintf(os.Stderr, "server: %s\n", target.About)
	plan := newPlan(s, workloads, clients, target)
	cells, err := plan.run(ctx, os.Stderr)
	if s.addr != "" { // somebody's server; it is left before anything is printed
		err = errors.Join(err, load.Clear(admin))
	}
	if len(cells) == 0 {
		return errors.Join(err, ctx.Err())
	}
	return errors.Join(err, write(s, target, workloads, cells))
}

// server returns the server that is measured against.
func (s settings) server(ctx context.Context) (*server.Server, error) {
	if s.addr != "" {
		return server.Use(ctx, s.addr)
	}
	return server.Start(ctx, s.program)
}

// withoutUnix leaves out what needs a Unix socket, and says so.
func withoutUnix(workloads []load.Workload) []load.Workload {
	var rest []load.Workload
	for _, workload := range workloads {
		if workload.Unix {
			fmt.Fprintf(os.Stderr, "left out, for there is no Unix socket: %s\n", workload.Name)
			continue
		}
		rest = append(rest, workload)
	}
	return rest
}
