package command

// PFAdd adds elements to a HyperLogLog, which counts about how many different ones
// it was given, and reports whether the count may have changed. Without elements
// it only creates the key. O(1) for each. Since 2.8.9.
func PFAdd(key string, elements ...any) Cmd[bool] {
	r := newRequest(&specPfadd)
	r.key(key)
	if len(elements) > 0 {
		r.values(elements)
	}
	return Cmd[bool]{r, decodeBool}
}

// PFCount returns about how many different elements a HyperLogLog was given, or
// several taken together, with a standard error of 0.81 %. 0 where the key does not
// exist. O(1) for one key, otherwise O(N). Since 2.8.9.
func PFCount(keys ...string) Cmd[int64] {
	r := newRequest(&specPfcount)
	r.allKeys(keys)
	return Cmd[int64]{r, decodeInt}
}

// PFMerge adds what HyperLogLogs have counted to that at destination, which it
// creates where it does not exist. O(N). Since 2.8.9.
func PFMerge(destination string, sources ...string) Cmd[struct{}] {
	r := newRequest(&specPfmerge)
	r.key(destination)
	if len(sources) > 0 {
		r.allKeys(sources)
	}
	return Cmd[struct{}]{r, decodeOK}
}
