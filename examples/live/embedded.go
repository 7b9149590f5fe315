package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/redchan-go/redchan/redis"
)

// What is there to look at where there is no REDIS_URL: a server, and somebody who
// publishes.

// startServer starts a server inside this program, on a free local port, so that the
// example needs nothing but Go.
func startServer() (*miniredis.Miniredis, error) {
	server, err := miniredis.Run()
	if err != nil {
		return nil, fmt.Errorf("the embedded server: %w", err)
	}
	return server, nil
}

// clock publishes the time on the channel "clock", until ctx ends.
func clock(ctx context.Context, client *redis.Client, every time.Duration, log *slog.Logger) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			_, err := client.Publish(ctx, "clock", now.Format("It is 15:04:05"))
			if err != nil && ctx.Err() == nil {
				log.Warn("the clock is not heard", "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
