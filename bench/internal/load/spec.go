package load

import (
	"slices"
	"time"
)

// Spec says what one process measures: one client at one workload.
type Spec struct {
	Workload string `json:"workload"`
	Client   string `json:"client"`
	Addr     string `json:"addr"`
	Socket   string `json:"socket"` // path of the Unix socket, for those who need it
	// ServerPID is the server's process, for those who choose its CPU; 0 where it is
	// not known.
	ServerPID int           `json:"server_pid"`
	Warmup    time.Duration `json:"warmup"`
	Duration  time.Duration `json:"duration"`
	// Profile is the file for a CPU profile of the process; empty for none.
	Profile string `json:"profile,omitempty"`
}

// Workload is the same work for every client.
type Workload struct {
	Name string
	// About says in a few words what is done, for the report.
	About string

	Callers     int  // goroutines that call at once; 1 for pub/sub
	Cancellable bool // the callers' contexts can be cancelled, each has its own
	OneCPU      bool // client and server share one CPU
	Unix        bool // over the Unix socket
	Burners     int  // goroutines beside the callers that burn 200 µs and sleep 200 µs

	Quick   bool // part of -quick
	Picture bool // shown in the picture

	// kind measures one client; see commands.go, pubsub.go and idle.go.
	kind kind
	// without lists clients that can't do this.
	without []string
}

// Offers reports whether a client can do the workload.
func (w Workload) Offers(client string) bool {
	return !slices.Contains(w.without, client)
}
