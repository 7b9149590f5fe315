// Package timeseries has the commands for time series of Redis 8 and of the module
// RedisTimeSeries:
//
//	at, err := timeseries.Add("temp:1", time.Time{}, 21.5).Do(ctx, client) // now
//	day, err := timeseries.Range("temp:1", time.Now().Add(-24*time.Hour), time.Time{},
//		timeseries.Aggregate{By: timeseries.Avg, Bucket: time.Hour}).Do(ctx, client)
//
// Times have milliseconds, and are not before 1970. A zero time is what suits its place:
// now where a sample is added, the begin or the end of the series where a range starts
// or ends.
//
// The commands are not run against a real server by this repository's tests: they stand
// on the replies that RedisTimeSeries' own tests and source show, in RESP2 and in RESP3.
package timeseries
