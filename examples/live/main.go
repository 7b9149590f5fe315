// Live is a web page of what is published on Redis, as it is published. Each browser is
// a subscription of its own, with bounds of its own, and all of them share one
// connection to Redis: the client subscribes to a channel once, however many follow it.
// What a browser missed, because the link to Redis or its own was lost, or because it is
// slow, is marked in its stream.
//
//	go -C examples run ./live
//
// and then open http://127.0.0.1:8080. It brings its own server, and a clock that
// publishes; REDIS_URL=redis://localhost:6379 takes yours.
//
// It has no logins: who reaches it reads and writes every channel that REDIS_URL may.
// Browsers open no more than six HTTP/1 connections to a host, so the seventh page of a
// browser waits; a proxy that speaks HTTP/2 in front of it changes that.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/redchan-go/redchan/redis"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where browsers connect, as host:port")
	flag.Parse()

	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *addr, os.Getenv("REDIS_URL"), log)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "live:", err)
		os.Exit(1)
	}
}

// run serves browsers on addr what is published on the server of url, or where that is
// empty on one of its own, until ctx ends. Nothing of it is left when it returns.
func run(ctx context.Context, addr, url string, log *slog.Logger) error {
	embedded := url == ""
	if embedded {
		server, err := startServer()
		if err != nil {
			return err
		}
		defer server.Close()
		url = "redis://" + server.Addr()
	}
	client, err := open(ctx, url, log)
	if err != nil {
		return err
	}
	defer client.Close()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	log.Info("ready: open this in a browser", "url", "http://"+listener.Addr().String(), "embedded", embedded)

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return newServer(client, log, limits{}).serve(ctx, listener) })
	if embedded {
		group.Go(func() error { return clock(ctx, client, 2*time.Second, log) })
	}
	return group.Wait()
}

// open connects to Redis. The client logs when the link is lost and back: once, however
// many browsers there are.
func open(ctx context.Context, url string, log *slog.Logger) (*redis.Client, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, err
	}
	options.SubscriberBackoff.Max = 2 * time.Second // people are waiting
	options.Logger = log
	return redis.OpenWith(ctx, options)
}
