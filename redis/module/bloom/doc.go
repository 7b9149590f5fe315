// Package bloom has the commands for probabilistic data structures of Redis 8 and of the
// module RedisBloom; those that start with BF also of Valkey's module valkey-bloom:
//
//   - BF: Bloom filters, which tell what they have certainly not seen.
//   - CF: cuckoo filters, which can forget items again.
//   - CMS: count-min sketches, which count items, never too low.
//   - TopK: the k items that came most often.
//   - TDigest: t-digests, which estimate quantiles of numbers.
//
// Items are values as everywhere in package command: texts, bytes and numbers.
//
//	fresh, err := bloom.BFAdd("seen", "https://example.com/").Do(ctx, client)
//	p99, err := bloom.TDigestQuantile("latency", 0.99).Do(ctx, client)
//
// The commands are not run against a real server by this repository's tests: they stand
// on the replies that RedisBloom's own tests and source show, in RESP2 and in RESP3.
package bloom
