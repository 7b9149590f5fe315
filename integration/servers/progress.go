package servers

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress writes one line for each step that takes long enough to wonder about.
type progress struct {
	mu  sync.Mutex
	out io.Writer
}

// printf writes one line.
func (p *progress) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "servers: "+format+"\n", args...)
}

// step announces what begins for a role; the function returned says how long it
// took and how it ended.
func (p *progress) step(role, what string) func(error) {
	begin := time.Now()
	p.printf("%s: %s", role, what)
	return func(err error) {
		took := time.Since(begin).Round(100 * time.Millisecond)
		if err != nil {
			p.printf("%s: %s: failed after %v: %v", role, what, took, err)
			return
		}
		p.printf("%s: %s: done after %v", role, what, took)
	}
}
