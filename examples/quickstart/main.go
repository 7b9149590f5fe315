// Quickstart shows the main job of the client: one select loop over messages,
// events, a ticker and the results of commands. Half-way its network link is
// cut, to show how a subscription tells what it may have missed.
//
//	go -C examples run ./quickstart
//
// It brings its own server. REDIS_URL=redis://localhost:6379 takes yours.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/redchan-go/redchan"
	"github.com/redchan-go/redchan/redis/command"
)

const (
	channel  = "quickstart:numbers"
	ticksKey = "quickstart:ticks"

	last  = 19                     // the publisher counts from 1 to this
	every = 200 * time.Millisecond // and publishes a number this often

	cutAfter = 1700 * time.Millisecond // when the link is cut
	cutFor   = 700 * time.Millisecond  // and for how long
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Getenv("REDIS_URL"))
	interrupted := ctx.Err() != nil
	stop()
	if err != nil && !interrupted {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// listen is the part to copy. It counts what arrives until the last number.
func listen(ctx context.Context, client *redchan.Client, subscribed chan<- struct{}, show *console) (tally, error) {
	var count tally

	// Commands are methods of the client.
	if err := client.Set(ctx, ticksKey, 0, command.EX(time.Minute)); err != nil {
		return count, err
	}

	// The server has acknowledged the channel when Subscribe returns.
	sub, err := client.Subscribe(ctx, channel)
	if err != nil {
		return count, err
	}
	defer sub.Close()
	close(subscribed) // the publisher may begin

	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	events := sub.Events()
	var ticks <-chan command.Result[int64] // nil until the first tick

	for {
		select {
		case msg, ok := <-sub.Messages():
			if !ok {
				return count, sub.Err() // why it ended
			}
			missed, err := count.add(msg)
			if err != nil {
				return count, err
			}
			if gap := msg.Gap; gap != nil { // something may be missing in front of msg
				show.line("GAP", "%v, %v long; missed: %s", gap.Reason, rounded(gap.Duration()), missed)
			}
			show.line("message", "%s", msg.Payload)
			if count.highest == last {
				return count, nil
			}

		case event, ok := <-events: // what happens to the subscription, told at once
			if !ok {
				events = nil // closed with Messages, which tells why
				continue
			}
			show.line("event", "%v", event)

		case <-ticker.C:
			// Go delivers the result on a channel, so that the loop never waits
			// for a reply: not even now, should the link be down.
			ticks = command.Incr(ticksKey).Go(ctx, client)

		case tick := <-ticks:
			if tick.Err != nil {
				return count, tick.Err
			}
			show.line("command", "INCR %s: %d", ticksKey, tick.Value)
		}
	}
}

// publish publishes the numbers. It stands for another program, so its client
// is another one, and its link stays.
func publish(ctx context.Context, client *redchan.Client) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for number := 1; number <= last; number++ {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if _, err := client.Publish(ctx, channel, strconv.Itoa(number)); err != nil {
			return err
		}
	}
	return nil
}

// run puts the pieces together: a server, a link that can be cut, a listener
// and a publisher. All of it ends with ctx, and nothing is left when it returns.
func run(ctx context.Context, out io.Writer, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("the last number never came"))
	defer cancel()
	show := newConsole(out)

	if url == "" {
		server, err := startServer()
		if err != nil {
			return err
		}
		defer server.Close()
		url = "redis://" + server.Addr()
		show.line("server", "embedded (REDIS_URL=redis://host:6379 takes yours)")
	}

	options, err := redchan.ParseURL(url)
	if err != nil {
		return err
	}
	publisher, err := redchan.OpenWith(ctx, options)
	if err != nil {
		return err
	}
	defer publisher.Close()

	var network link
	options.Server.Dial = network.dial
	options.Server.SubscriberBackoff.Max = 300 * time.Millisecond // this show is short
	client, err := redchan.OpenWith(ctx, options)
	if err != nil {
		return err
	}
	defer client.Close()

	group, ctx := errgroup.WithContext(ctx)
	subscribed := make(chan struct{})
	var count tally
	group.Go(func() (err error) {
		count, err = listen(ctx, client, subscribed, show)
		return err
	})
	group.Go(func() error {
		if !wait(ctx, subscribed) {
			return nil // the listener says why
		}
		return publish(ctx, publisher)
	})
	group.Go(func() error {
		if wait(ctx, subscribed) && wait(ctx, time.After(cutAfter)) {
			show.line("cut", "the connection is cut for %v", cutFor)
			network.cut(ctx, cutFor)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	show.line("done", "%v", &count)
	return nil
}

// wait waits for a channel or the end of ctx; it reports whether it was the
// channel.
func wait[T any](ctx context.Context, c <-chan T) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}
