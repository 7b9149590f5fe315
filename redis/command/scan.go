package command

import "github.com/redchan-go/redchan/proto"

// Keys returns all keys of the database that match a pattern with *, ? and [...].
// The server does nothing else meanwhile: use [Scan] where there are many keys.
// O(N). Since 1.0.0.
func Keys(pattern string) Cmd[[]string] {
	r := newRequest(&specKeys)
	r.word(pattern)
	return Cmd[[]string]{r, decodeStrings}
}

// ScanOption is an option of [Scan]: [Count], [Match], [OfType].
type ScanOption interface{ scanOption() tokens }

// Match is the option MATCH of commands that scan: a pattern with *, ? and
// [...]. It filters what has been found, so that a page can be empty.
type Match string

func (m Match) tokens() tokens      { return option(groupMatch, "MATCH", word(string(m))) }
func (m Match) scanOption() tokens  { return m.tokens() }
func (m Match) hscanOption() tokens { return m.tokens() }
func (m Match) sscanOption() tokens { return m.tokens() }
func (m Match) zscanOption() tokens { return m.tokens() }

// OfType is the option TYPE of [Scan]: only keys of one type, such as "hash".
// Since 6.0.0.
type OfType string

func (t OfType) scanOption() tokens { return option(groupType, "TYPE", word(string(t))) }

// ScanPage is one part of a scan. It can be empty in the middle of one.
type ScanPage struct {
	// Cursor is what to give to the next call; 0 is the end of the scan.
	Cursor uint64
	Keys   []string
}

// Scan returns a part of the keys of the database. A scan starts with cursor 0
// and ends when a page's Cursor is 0; a key that exists all the time is found
// at least once, possibly twice. O(1) a call. Since 2.8.0.
func Scan(cursor uint64, opts ...ScanOption) Cmd[ScanPage] {
	r := newRequest(&specScan)
	r.add(unsigned(cursor))
	addOptions(&r, opts, ScanOption.scanOption)
	return Cmd[ScanPage]{r, decodeScanPage}
}

func decodeScanPage(v proto.Value) (ScanPage, error) {
	var page ScanPage
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return page, want("cursor and keys")
	}
	cursor, err := decodeUint(v.Index(0))
	if err != nil {
		return page, err
	}
	page.Cursor = cursor
	page.Keys, err = decodeStrings(v.Index(1))
	return page, err
}

// HScanPage is one part of the fields of a hash. It can be empty in the middle of a
// scan.
type HScanPage struct {
	// Cursor is what to give to the next call; 0 is the end of the scan.
	Cursor uint64
	Fields []Field
}

func decodeHScanPage(v proto.Value) (HScanPage, error) {
	var page HScanPage
	if v.Kind() != proto.KindArray || v.Len() != 2 {
		return page, want("cursor and fields")
	}
	cursor, err := decodeUint(v.Index(0))
	if err != nil {
		return page, err
	}
	page.Cursor = cursor
	page.Fields, err = decodeFieldList(v.Index(1))
	return page, err
}

// HScanOption is an option of [HScan] and [HScanNoValues]: [Count], [Match].
type HScanOption interface{ hscanOption() tokens }

// HScan returns a part of the fields of a hash, as [Scan] does of the keys. O(1) a
// call. Since 2.8.0.
func HScan(key string, cursor uint64, opts ...HScanOption) Cmd[HScanPage] {
	return Cmd[HScanPage]{hscanRequest(key, cursor, opts), decodeHScanPage}
}

// HScanNoValuesPage is one part of the names of a hash's fields. It can be empty in the
// middle of a scan.
type HScanNoValuesPage struct {
	// Cursor is what to give to the next call; 0 is the end of the scan.
	Cursor uint64
	Fields []string
}

func decodeHScanNoValuesPage(v proto.Value) (HScanNoValuesPage, error) {
	page, err := decodeScanPage(v)
	return HScanNoValuesPage{page.Cursor, page.Keys}, err
}

// HScanNoValues is [HScan] with NOVALUES: it returns the names of the fields only.
// O(1) a call. Since Redis 7.4.0 and Valkey 8.0.0.
func HScanNoValues(key string, cursor uint64, opts ...HScanOption) Cmd[HScanNoValuesPage] {
	r := hscanRequest(key, cursor, opts)
	r.word("NOVALUES")
	return Cmd[HScanNoValuesPage]{r, decodeHScanNoValuesPage}
}

func hscanRequest(key string, cursor uint64, opts []HScanOption) Request {
	r := newRequest(&specHscan)
	r.key(key)
	r.add(unsigned(cursor))
	addOptions(&r, opts, HScanOption.hscanOption)
	return r
}

// SScanOption is an option of [SScan]: [Count], [Match].
type SScanOption interface{ sscanOption() tokens }

// SScanPage is one part of the members of a set. It can be empty in the middle of a scan.
type SScanPage struct {
	// Cursor is what to give to the next call; 0 is the end of the scan.
	Cursor  uint64
	Members []string
}

func decodeSScanPage(v proto.Value) (SScanPage, error) {
	page, err := decodeScanPage(v)
	return SScanPage{page.Cursor, page.Keys}, err
}

// SScan returns a part of the members of a set, as [Scan] does of the keys. O(1) a
// call. Since 2.8.0.
func SScan(key string, cursor uint64, opts ...SScanOption) Cmd[SScanPage] {
	r := newRequest(&specSscan)
	r.key(key)
	r.add(unsigned(cursor))
	addOptions(&r, opts, SScanOption.sscanOption)
	return Cmd[SScanPage]{r, decodeSScanPage}
}
