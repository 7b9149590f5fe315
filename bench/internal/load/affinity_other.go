//go:build !linux

package load

import "os/exec"

// startOnOneCPU starts a command. Where there is no affinity, its GOMAXPROCS alone
// keeps it to one CPU.
func startOnOneCPU(command *exec.Cmd, _ int) (release func() error, err error) {
	return func() error { return nil }, command.Start()
}
