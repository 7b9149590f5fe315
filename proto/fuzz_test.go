package proto

import (
	"bytes"
	"testing"
)

// FuzzReader holds the Reader against the slow decoder, however the bytes are
// cut into pieces, under wide and under tight limits. Comparing walks all
// elements of all values.
func FuzzReader(f *testing.F) {
	for _, data := range corpus {
		f.Add([]byte(data), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		if len(data) > 1<<16 {
			t.Skip("too long for the slow decoder")
		}
		for _, limits := range []Limits{
			{},
			{MaxBulk: 12, MaxDepth: 3, MaxElements: 4, MaxLine: 6, MaxErrorLine: 8, MaxBigNumber: 5},
		} {
			want, wantErr := decodeAll(data, limits)
			checkAgainst(t, "whole", want, wantErr, bytes.NewReader(data), limits)
			pieces := &script{data: string(data), sizes: []int{1 + int(size)}}
			checkAgainst(t, "pieces", want, wantErr, pieces, limits)
			checkMixed(t, "whole", want, wantErr, uint64(size), bytes.NewReader(data), limits)
			pieces = &script{data: string(data), sizes: []int{1 + int(size)}}
			checkMixed(t, "pieces", want, wantErr, uint64(size), pieces, limits)
		}
	})
}
