package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/redchan-go/redchan/redis"
)

// limits bound what browsers can ask for. Zero fields mean the defaults.
type limits struct {
	browsers  int           // streams at a time; 10,000
	messages  int           // that wait for a slow browser; 256
	bytes     int           // of those; 1 MiB
	heartbeat time.Duration // how often a quiet stream shows that it lives; 15 s
	stuck     time.Duration // how long a browser may take nothing at all; 30 s
	reply     time.Duration // how long to wait for Redis; 2 s
	goodbye   time.Duration // how long a shutdown waits for requests to end; 5 s
}

func (l limits) withDefaults() limits {
	l.browsers = cmp.Or(l.browsers, 10_000)
	l.messages = cmp.Or(l.messages, 256)
	l.bytes = cmp.Or(l.bytes, 1<<20)
	l.heartbeat = cmp.Or(l.heartbeat, 15*time.Second)
	l.stuck = cmp.Or(l.stuck, 30*time.Second)
	l.reply = cmp.Or(l.reply, 2*time.Second)
	l.goodbye = cmp.Or(l.goodbye, 5*time.Second)
	return l
}

// server is the web server. Its fields are set by newServer and never changed.
type server struct {
	client *redis.Client
	log    *slog.Logger
	limits limits

	// places has an element for each stream that is open.
	places chan struct{}
	// life ends by endStreams, when the server is to end, and all streams with it.
	life       context.Context
	endStreams context.CancelFunc
}

// newServer returns a server that reads and publishes by client, which stays the
// caller's. It must be given to serve once.
func newServer(client *redis.Client, log *slog.Logger, l limits) *server {
	l = l.withDefaults()
	life, endStreams := context.WithCancel(context.Background())
	return &server{
		client:     client,
		log:        log,
		limits:     l,
		places:     make(chan struct{}, l.browsers),
		life:       life,
		endStreams: endStreams,
	}
}

// routes says who answers what. Other sites' pages can't publish: browsers say where a
// request comes from.
func (s *server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("POST /publish", s.publish)
	mux.Handle("GET /", pages())
	return http.NewCrossOriginProtection().Handler(mux)
}

// serve serves on listener, which it closes, until ctx ends. Then streams end at once,
// and other requests have a while to be answered.
func (s *server) serve(ctx context.Context, listener net.Listener) error {
	web := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      s.limits.stuck, // streams extend it with what they write
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	defer s.endStreams()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}

	s.endStreams() // Shutdown waits for them
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.goodbye)
	defer cancel()
	err := web.Shutdown(patience)
	if err != nil {
		err = errors.Join(fmt.Errorf("requests were still running after %v: %w", s.limits.goodbye, err), web.Close())
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// streamContext returns the context of a stream: it ends with the request, or when the
// server is to end.
func (s *server) streamContext(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}
