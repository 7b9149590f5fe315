package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/redchan-go/redchan/bench/internal/load"
	"github.com/redchan-go/redchan/bench/internal/peer"
	"github.com/redchan-go/redchan/bench/internal/report"
	"github.com/redchan-go/redchan/bench/internal/result"
	"github.com/redchan-go/redchan/bench/internal/server"
)

// The files of a run.
const (
	reportFile  = "report.md"
	pictureFile = "picture.svg"
	resultsFile = "results.json"
)

// write writes the three files, and the report and where they are to the terminal.
func write(s settings, target *server.Server, workloads []load.Workload, cells []result.Cell) error {
	if err := os.MkdirAll(s.out, 0o755); err != nil {
		return err
	}
	run := result.Run{
		Machine:  machine(),
		Server:   target.About,
		Versions: versions(),
		Date:     time.Now().Format(time.DateTime),
		Settings: fmt.Sprintf("rounds: %d, each %v", s.rounds, s.duration),
		Cells:    cells,
	}
	data, err := json.MarshalIndent(run, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.out, resultsFile), data, 0o644); err != nil {
		return err
	}
	var picture strings.Builder
	name := ""
	drawn, err := report.Picture(&picture, run, workloads)
	if err != nil {
		return err
	}
	if drawn {
		name = pictureFile
		if err := os.WriteFile(filepath.Join(s.out, pictureFile), []byte(picture.String()), 0o644); err != nil {
			return err
		}
	}
	var text strings.Builder
	if err := report.Markdown(&text, run, workloads, name); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.out, reportFile), []byte(text.String()), 0o644); err != nil {
		return err
	}
	fmt.Print(text.String())
	directory, err := filepath.Abs(s.out)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\nwritten to %s: %s\n", directory, strings.Join([]string{reportFile, name, resultsFile}, " "))
	return nil
}

// machine describes this machine.
func machine() string {
	return fmt.Sprintf("%s/%s, %d CPUs%s, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor(), runtime.Version())
}

// processor returns the name of the processor where Linux tells it.
func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		name, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(name) == "model name" {
			return " (" + strings.TrimSpace(value) + ")"
		}
	}
	return ""
}

// versions returns the versions of the clients that this program is built with.
func versions() map[string]string {
	found := map[string]string{}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return found
	}
	for _, module := range peer.Modules() {
		for _, dependency := range info.Deps {
			if dependency.Path != module {
				continue
			}
			found[module] = dependency.Version
			if dependency.Replace != nil {
				found[module] = "of this checkout"
			}
		}
	}
	return found
}
