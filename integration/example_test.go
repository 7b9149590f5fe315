package integration

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/integration/servers"
)

// TestQuickstart runs the program that README.md opens with on each server.
func TestQuickstart(t *testing.T) {
	servers.Each(t, func(t *testing.T, version servers.Version) {
		f := newFixture(t, sharedServer(t, version), false, 2*time.Minute) // it is compiled first
		run := exec.CommandContext(f.ctx, "go", "-C", "../examples", "run", "./quickstart")
		run.Env = append(os.Environ(), "REDIS_URL="+f.server.URL())
		run.WaitDelay = time.Second // "go run" may leave the program behind when it is killed
		output, err := run.CombinedOutput()
		if err != nil || !strings.Contains(strings.ToLower(string(output)), "gap") {
			t.Errorf("go -C ../examples run ./quickstart: %v; want an output that tells of a gap:\n%s", err, output)
		}
	})
}
