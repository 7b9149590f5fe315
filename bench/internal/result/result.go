// Package result is what a measured cell yields, and what reports are made of.
package result

// Metric names a figure. Figures "per operation" are per command, or per message
// received.
type Metric string

// The metrics. One that could not be measured is missing from a cell.
const (
	CPU        Metric = "cpu_us"      // client CPU, user and system, µs per operation
	Rate       Metric = "ops_s"       // operations a second
	P50        Metric = "p50_us"      // median latency, µs
	P99        Metric = "p99_us"      // 99th percentile of the latency, µs
	Allocs     Metric = "allocs"      // allocations per operation
	Bytes      Metric = "alloc_bytes" // allocated bytes per operation
	Writes     Metric = "writes"      // write system calls per operation
	Reads      Metric = "reads"       // read system calls per operation
	ServerCPU  Metric = "server_us"   // server CPU, µs per operation
	TotalCPU   Metric = "total_us"    // client and server CPU, µs per operation
	Lost       Metric = "lost"        // messages published and not received, of 100
	IdleMemory Metric = "idle_kib"    // memory of an idle connection, KiB
	IdleCPU    Metric = "idle_cpu_us" // client CPU of an idle connection, µs a second
	Goroutines Metric = "goroutines"  // goroutines of an idle connection
	Conns      Metric = "conns"       // connections that one client opened
)

// Cell is one client's measured run of one workload in one round.
type Cell struct {
	Workload   string             `json:"workload"`
	Client     string             `json:"client"`
	Round      int                `json:"round"` // from 1
	Operations int64              `json:"operations"`
	Seconds    float64            `json:"seconds"`
	Values     map[Metric]float64 `json:"values"`
	// Err says why there are no values.
	Err string `json:"error,omitempty"`
}

// Run is everything that one run of the program measured.
type Run struct {
	Machine  string            `json:"machine"`
	Server   string            `json:"server"`
	Versions map[string]string `json:"versions"` // of the clients, by module path
	Date     string            `json:"date"`
	Settings string            `json:"settings"`
	Cells    []Cell            `json:"cells"`
}
