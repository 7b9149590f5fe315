package main

import (
	"math"
	"testing"
)

func TestShares(t *testing.T) {
	traces := `File: bench
Type: cpu
-----------+-------------------------------------------------------
      10ms   runtime.futex
             runtime.wakep
             main.caller
-----------+-------------------------------------------------------
      1.5s   syscall.Syscall
             syscall.write
             runtime.gcAssistAlloc.not
-----------+-------------------------------------------------------
     490ms   redis.(*conn).do
             main.caller
-----------+-------------------------------------------------------
     500ms   internal/runtime/syscall/linux.Syscall6
             syscall.Syscall
             syscall.read
-----------+-------------------------------------------------------
`
	got := shares([]byte(traces))
	for name, want := range map[string]float64{
		"scheduling": 0.01 / 2.5, "garbage collector": 1.5 / 2.5, "client": 0.49 / 2.5, "socket": 0.5 / 2.5,
	} {
		if math.Abs(got[name]-want) > 1e-9 {
			t.Errorf("%s has %g, want %g", name, got[name], want)
		}
	}
	if len(got) != 4 {
		t.Errorf("got %v", got)
	}
}
