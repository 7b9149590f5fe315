package load

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// startOnOneCPU starts a command that may run only on the last CPU of those that this
// process may use, and moves the server there, if its process is known: between two
// CPUs what is measured is how long the other one takes to wake up. The server may
// use all CPUs again once the function that is returned is called.
func startOnOneCPU(command *exec.Cmd, server int) (release func() error, err error) {
	var all unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return nil, fmt.Errorf("which CPUs may be used: %w", err)
	}
	one := lastOf(&all)
	if err := moveProcess(server, one); err != nil {
		return nil, err
	}
	release = func() error { return moveProcess(server, &all) }
	if err := startOn(command, one, &all); err != nil {
		return nil, errors.Join(err, release())
	}
	return release, nil
}

// startOn starts a command on some CPUs. The child inherits the mask of the thread
// that starts it, so the thread takes the mask on for that moment.
func startOn(command *exec.Cmd, some, all *unix.CPUSet) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SchedSetaffinity(0, some); err != nil {
		return fmt.Errorf("choosing a CPU: %w", err)
	}
	err := command.Start()
	if restoreErr := unix.SchedSetaffinity(0, all); restoreErr != nil {
		err = errors.Join(err, fmt.Errorf("allowing all CPUs again: %w", restoreErr))
	}
	return err
}

// lastOf returns the last CPU of a set; the first one serves most interrupts.
func lastOf(all *unix.CPUSet) *unix.CPUSet {
	last := 0
	for cpu := range len(all) * strconv.IntSize {
		if all.IsSet(cpu) {
			last = cpu
		}
	}
	var one unix.CPUSet
	one.Set(last)
	return &one
}

// moveProcess lets all threads of a process run on some CPUs only. Process 0 stands
// for one that is not known.
func moveProcess(pid int, cpus *unix.CPUSet) error {
	if pid == 0 {
		return nil
	}
	threads, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		return fmt.Errorf("the threads of the server: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, cpus); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("choosing the server's CPU: %w", err)
		}
	}
	return nil
}
