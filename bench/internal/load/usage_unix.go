//go:build unix

package load

import (
	"time"

	"golang.org/x/sys/unix"
)

// ProcessCPU returns the CPU time, user and system, of this process.
func ProcessCPU() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return -1
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
