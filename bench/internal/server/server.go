// Package server finds and starts the server that is measured against.
package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/redchan-go/redchan/bench/internal/wire"
)

// Variable is the environment variable that names the server's program.
const Variable = "REDCHAN_BENCH_SERVER"

const (
	// startTimeout bounds the start of a server.
	startTimeout = 20 * time.Second
	// stopTimeout bounds its end, after which it is killed.
	stopTimeout = 5 * time.Second
	// loopback is where servers listen.
	loopback = "127.0.0.1"
)

// ErrNone says that there is no server on this machine, and what to do.
var ErrNone = errors.New("there is no redis-server and no valkey-server on PATH and no image of them " +
	"in a local Docker engine: install one (apt install redis-server, brew install redis), " +
	"or pull one (docker pull redis:8), or build those of this repository's tests " +
	"(go -C integration run ./cmd/images), or name a program with -server or $" + Variable +
	", or a running server with -addr")

// Server is a running server.
type Server struct {
	Addr   string // "127.0.0.1:11042"
	Socket string // path of the Unix socket; empty where there is none
	About  string // what it is, in words
	// PID is the server's process, where it is one of this machine that Start
	// started; else 0.
	PID int

	directory string
	container string // name; empty where the server is no container
	command   *exec.Cmd
	ended     chan struct{} // closed when the process has ended
	output    bytes.Buffer  // read once ended is closed
}

// Use returns a server that runs already. It has no Unix socket.
func Use(ctx context.Context, addr string) (*Server, error) {
	server := &Server{Addr: addr}
	return server, server.describe(ctx, "running at "+addr)
}

// Start starts a server on loopback: program, if it is not empty, else the one that
// [Variable] names, else what is found.
func Start(ctx context.Context, program string) (_ *Server, err error) {
	directory, err := os.MkdirTemp("", "redchan-test-bench-")
	if err != nil {
		return nil, err
	}
	server := &Server{directory: directory, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Close())
		}
	}()
	// The server of a container may be another user.
	if err := os.Chmod(directory, 0o777); err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	server.Addr = net.JoinHostPort(loopback, strconv.Itoa(port))
	if runtime.GOOS != "windows" {
		server.Socket = filepath.Join(directory, "server.sock")
	}
	words, err := server.find(ctx, program)
	if err != nil {
		return nil, err
	}
	if err := server.run(words, port); err != nil {
		return nil, err
	}
	if err := server.awaitReady(ctx); err != nil {
		return nil, err
	}
	if server.PID, err = server.process(ctx); err != nil {
		return nil, err
	}
	return server, server.describe(ctx, "started by "+words[0])
}

// find returns the command line that runs a server's program, without its arguments.
func (s *Server) find(ctx context.Context, program string) ([]string, error) {
	if program == "" {
		program = os.Getenv(Variable)
	}
	if program != "" {
		path, err := exec.LookPath(program)
		return []string{path}, err
	}
	if path, ok := OnPath(); ok {
		return []string{path}, nil
	}
	image, err := findImage(ctx)
	if err != nil {
		return nil, err
	}
	s.container = filepath.Base(s.directory)
	return containerCommand(image, s.container, s.directory), nil
}

// OnPath returns the path of a server's program on PATH.
func OnPath() (string, bool) {
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// run starts the process. Persistence is off, so that nothing but commands is served.
func (s *Server) run(words []string, port int) error {
	arguments := append(
		words[1:len(words):len(words)],
		"--port", strconv.Itoa(port), "--bind", loopback, "--dir", s.directory,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	)
	if s.Socket != "" {
		arguments = append(arguments, "--unixsocket", s.Socket, "--unixsocketperm", "777")
	}
	s.command = exec.Command(words[0], arguments...)
	s.command.Stdout, s.command.Stderr = &s.output, &s.output
	if err := s.command.Start(); err != nil {
		s.command = nil
		return err
	}
	go func() {
		defer close(s.ended)
		_ = s.command.Wait()
	}()
	return nil
}

// awaitReady returns when the server answers.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := wire.Dial(ctx, "tcp", s.Addr)
		if err == nil {
			_, err = conn.Do("PING")
			conn.Close()
		}
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return fmt.Errorf("the server %s ended: %s", s.command, s.output.String())
		case <-ctx.Done():
			return fmt.Errorf("the server %s does not answer: %w", s.command, err)
		}
	}
}

// describe asks the server what it is.
func (s *Server) describe(ctx context.Context, how string) error {
	conn, err := wire.Dial(ctx, "tcp", s.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	fields, err := conn.Info("server")
	if err != nil {
		return err
	}
	name, version := "Redis", fields["redis_version"]
	if valkey := fields["valkey_version"]; valkey != "" {
		name, version = "Valkey", valkey
	}
	s.About = fmt.Sprintf("%s %s, %s", name, version, how)
	return nil
}

// Close ends the server, if Start started it, and removes its directory.
func (s *Server) Close() error {
	if s.directory == "" {
		return nil
	}
	if s.command != nil {
		// docker run passes the signal on.
		if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
			_ = s.command.Process.Kill()
		}
		select {
		case <-s.ended:
		case <-time.After(stopTimeout):
			_ = s.command.Process.Kill()
			<-s.ended
		}
	}
	return os.RemoveAll(s.directory)
}

// Died says why the server that Start started has ended; nil while it runs.
func (s *Server) Died() error {
	if s.command == nil {
		return nil
	}
	select {
	case <-s.ended:
		return fmt.Errorf("the server has ended: %s", s.output.String())
	default:
		return nil
	}
}

// process returns the process of the server that was started.
func (s *Server) process(ctx context.Context) (int, error) {
	if s.container != "" {
		return containerProcess(ctx, s.container)
	}
	return s.command.Process.Pid, nil
}

// freePort returns a port that nobody listens at.
func freePort(ctx context.Context) (int, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	addr, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return 0, fmt.Errorf("unexpected address %v", listener.Addr())
	}
	return addr.Port, nil
}
