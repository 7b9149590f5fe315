// Package search has the commands for indexes and queries of Redis 8 and of the module
// RediSearch:
//
//	_, err := search.Create("books", []search.Field{
//		search.Text{Name: "title", Weight: 2},
//		search.Numeric{Name: "year", Flags: search.Sortable},
//	}, search.Prefix{"book:"}).Do(ctx, client)
//	found, err := search.Search("books", "@year:[1800 1900]", search.Limit{Count: 10}).Do(ctx, client)
//
// The names of indexes, aliases and dictionaries are no keys; in a cluster the server
// that is asked asks the others. It keeps the cursors of [AggregatePaged]: run that and
// [CursorRead] with the client of one node.
//
// The commands are not run against a real server by this repository's tests: they stand
// on the replies that RediSearch's own tests and source show, in RESP2 and in RESP3.
package search
