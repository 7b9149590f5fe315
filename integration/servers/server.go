package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// closeTimeout bounds the removal of a server.
const closeTimeout = 20 * time.Second

// Server is one running server. Its methods may be used by several goroutines, but
// Kill, Stop, Start, Pause and Unpause not at once.
type Server struct {
	// Addr is where the server listens: "127.0.0.1:11042". It stays the same when
	// the server is started again.
	Addr string

	// Socket is the path of the Unix socket; empty without Config.Unix.
	Socket string

	engine      *engine
	kind        Version
	config      Config
	directory   string // of this machine, removed by Close
	certificate *certificate
	runner      runner
	version     string
	answering   atomic.Bool

	closeOnce sync.Once
	closeErr  error
}

// Start starts a server and returns when it answers. The context bounds the start,
// the making of an image included. The server runs until Close.
func Start(ctx context.Context, version Version, config Config) (*Server, error) {
	e, err := setup(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		server, err := e.start(ctx, version, config)
		if err == nil {
			return server, nil
		}
		// Another process may have taken the port between the look and the start.
		if attempt == 3 || !strings.Contains(err.Error(), "Address already in use") {
			return nil, fmt.Errorf("starting %v: %w", version, err)
		}
	}
}

func (e *engine) start(ctx context.Context, version Version, config Config) (_ *Server, err error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	directory, err := os.MkdirTemp("", directoryPrefix+version.Role+"-")
	if err != nil {
		return nil, err
	}
	server := &Server{
		Addr:      net.JoinHostPort(loopback, strconv.Itoa(port)),
		engine:    e,
		kind:      version,
		config:    config,
		directory: directory,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Close())
		}
	}()
	// The server of a container may be another user.
	if err := os.Chmod(directory, 0o777); err != nil {
		return nil, err
	}
	if config.TLS {
		server.certificate = config.certificate
	}
	if config.TLS && server.certificate == nil {
		if server.certificate, err = newCertificate(); err != nil {
			return nil, err
		}
	}
	if config.Unix {
		server.Socket = filepath.Join(directory, socketFile)
	}
	if server.runner, err = e.newRunner(ctx, version, config, directory, port, server.certificate); err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.running[server] = struct{}{}
	e.mu.Unlock()
	if err := server.Start(ctx); err != nil {
		return nil, err
	}
	info, err := server.Command(ctx, "INFO", "server")
	if err != nil {
		return nil, err
	}
	if server.version, err = version.reported(info); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(server.version, version.Prefix) {
		return nil, fmt.Errorf("role %s is version %s, wanted %sx: remove the image or the local server that is of another version", version.Role, server.version, version.Prefix)
	}
	return server, nil
}

// newRunner writes the server's directory and returns what will run the server.
func (e *engine) newRunner(ctx context.Context, version Version, config Config, directory string, port int, certificate *certificate) (runner, error) {
	if e.docker == nil {
		program, err := e.localProgram(ctx, version)
		if err != nil {
			return nil, err
		}
		if err := config.forVersion(version).write(directory, directory, port, certificate); err != nil {
			return nil, err
		}
		return &processRunner{program: program, arguments: config.arguments(directory)}, nil
	}
	image, err := e.image(ctx, version)
	if err != nil {
		return nil, err
	}
	if err := config.forVersion(version).write(directory, insideDirectory, port, certificate); err != nil {
		return nil, err
	}
	command := append([]string{version.Binary}, config.arguments(insideDirectory)...)
	return newContainer(ctx, image, directory, command)
}

// Role returns the role that the server was started for: "redis7".
func (s *Server) Role() string { return s.kind.Role }

// Version returns the version that the server reports of itself: "7.0.15".
func (s *Server) Version() string { return s.version }

// URL returns the server's URL with the default user's password.
func (s *Server) URL() string {
	u := url.URL{Scheme: "redis", Host: s.Addr}
	if s.config.TLS {
		u.Scheme = "rediss"
	}
	if s.config.Password != "" {
		u.User = url.UserPassword("", s.config.Password)
	}
	return u.String()
}

// CertPool returns the authorities that verify the server's certificate; nil without
// Config.TLS.
func (s *Server) CertPool() *x509.CertPool {
	if s.certificate == nil {
		return nil
	}
	return s.certificate.pool()
}

// TLSConfig returns a client's configuration for the server; nil without Config.TLS.
func (s *Server) TLSConfig() *tls.Config {
	if s.certificate == nil {
		return nil
	}
	return &tls.Config{RootCAs: s.CertPool(), ServerName: loopback, MinVersion: tls.VersionTLS12}
}

// Command sends one command over a connection of its own, without the client that is
// being tested, and returns the text of a simple, integer or bulk string reply. An
// error reply is an error, and so is one of another kind; see Call.
func (s *Server) Command(ctx context.Context, words ...string) (string, error) {
	reply, err := s.Call(ctx, words...)
	if err == nil && (reply.Null || reply.aggregate()) {
		err = fmt.Errorf("%s: the reply is not a text: %v", words[0], reply)
	}
	return reply.Text, err
}

// Call is Command for a reply of any kind. An error reply is an error.
func (s *Server) Call(ctx context.Context, words ...string) (Reply, error) {
	return call(ctx, "tcp", s.Addr, s.TLSConfig(), s.config.credentials(), words)
}

// Start starts the server again after Kill or Stop, with the same configuration on
// the same port, and returns when it answers. Its data are gone; a cluster node
// remembers the cluster, by its nodes.conf.
func (s *Server) Start(ctx context.Context) error {
	if err := s.runner.start(ctx); err != nil {
		return err
	}
	if err := s.awaitReady(ctx); err != nil {
		return err
	}
	s.answering.Store(true)
	return nil
}

// awaitReady returns when the server answers PING, or with its log when it has ended.
func (s *Server) awaitReady(ctx context.Context) error {
	const interval = 10 * time.Millisecond
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		_, err := s.Command(ctx, "PING")
		if err == nil {
			return nil
		}
		if alive, stateErr := s.runner.running(ctx); stateErr != nil || !alive {
			log, logErr := s.Logs(context.WithoutCancel(ctx))
			return errors.Join(fmt.Errorf("the server ended before it answered; its log is:\n%s", log), stateErr, logErr)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("the server at %s runs but does not answer (is the engine's host network this machine's?): %w", s.Addr, errors.Join(ctx.Err(), err))
		}
	}
}

// Kill ends the server with SIGKILL, as a crash would, and returns when it has ended.
func (s *Server) Kill(ctx context.Context) error {
	s.answering.Store(false)
	return s.runner.signal(ctx, "SIGKILL")
}

// Stop ends the server with SIGTERM, as an operator would, and returns when it has
// ended. Start starts it again.
func (s *Server) Stop(ctx context.Context) error {
	s.answering.Store(false)
	return s.runner.signal(ctx, "SIGTERM")
}

// Pause makes the server stand still: connections stay open and are accepted, and
// nothing is answered.
func (s *Server) Pause(ctx context.Context) error {
	s.answering.Store(false)
	return s.runner.pause(ctx)
}

// Unpause ends Pause.
func (s *Server) Unpause(ctx context.Context) error {
	if err := s.runner.unpause(ctx); err != nil {
		return err
	}
	s.answering.Store(true)
	return nil
}

// Answering reports whether the server is meant to answer: it was started, and since
// then neither ended nor paused by the methods above.
func (s *Server) Answering() bool { return s.answering.Load() }

// Logs returns what the server has printed since it was first started.
func (s *Server) Logs(ctx context.Context) (string, error) { return s.runner.logs(ctx) }

// Close ends the server and removes everything of it. It may be called again.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if s.runner != nil {
			s.closeErr = s.runner.remove(ctx)
		}
		s.closeErr = errors.Join(s.closeErr, os.RemoveAll(s.directory))
		s.engine.mu.Lock()
		delete(s.engine.running, s)
		s.engine.mu.Unlock()
	})
	return s.closeErr
}
