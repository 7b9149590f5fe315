package servers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
)

// processRunner runs a server as a child process, for a machine without a Docker
// engine.
type processRunner struct {
	program   string
	arguments []string
	output    output

	mu     sync.Mutex
	child  *exec.Cmd
	exited chan struct{} // closed when child has ended and was waited for
}

// output collects what all runs of a server print.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (r *processRunner) start(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Not bound to the context: that bounds the start, not the server's life.
	child := exec.Command(r.program, r.arguments...)
	child.Stdout, child.Stderr = &r.output, &r.output
	if err := child.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	r.child, r.exited = child, exited
	go func() { // ends with the child; remove waits for it
		defer close(exited)
		_ = child.Wait() // how it ended is seen in the output
	}()
	return nil
}

var errNotStarted = errors.New("the server's process was not started")

// send sends a signal to the child.
func (r *processRunner) send(signal syscall.Signal) (exited <-chan struct{}, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child == nil {
		return nil, errNotStarted
	}
	return r.exited, r.child.Process.Signal(signal)
}

func (r *processRunner) signal(ctx context.Context, name string) error {
	number := map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL}[name]
	if number == 0 {
		return fmt.Errorf("no signal %q", name)
	}
	exited, err := r.send(number)
	if err != nil {
		return err
	}
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *processRunner) pause(context.Context) error {
	_, err := r.send(syscall.SIGSTOP)
	return err
}

func (r *processRunner) unpause(context.Context) error {
	_, err := r.send(syscall.SIGCONT)
	return err
}

func (r *processRunner) running(context.Context) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child == nil {
		return false, nil
	}
	select {
	case <-r.exited:
		return false, nil
	default:
		return true, nil
	}
}

func (r *processRunner) logs(context.Context) (string, error) { return r.output.String(), nil }

func (r *processRunner) remove(ctx context.Context) error {
	if alive, _ := r.running(ctx); !alive {
		return nil
	}
	return r.signal(ctx, "SIGKILL")
}
