// Package redisjson has the JSON commands of Redis 8, of the module RedisJSON and of
// Valkey's module valkey-json:
//
//	ok, err := redisjson.Set("user:1", "$", user).Do(ctx, client)
//	users, err := redisjson.GetInto[User]("user:1", "$").Do(ctx, client)
//	ages, err := redisjson.NumIncrBy("user:1", "$.age", 1).Do(ctx, client)
//
// Values are encoded by encoding/json; give what is JSON already as a json.RawMessage.
//
// A JSONPath starts with "$" and can match any number of values, so results are
// slices, with one element for each match in the order of the document. An element is
// missing where the match is of another type than the command is for. The older paths
// without "$" have replies of other shapes: they are refused where that matters.
//
// In short, the complexity is O(1) where a path matches one value and the command looks
// at nothing but that, and O(N) where it may match several, for the N values of the
// document.
//
// The commands are not run against a real server by this repository's tests: they stand
// on the replies that RedisJSON's own tests and source show, in RESP2 and in RESP3.
package redisjson
