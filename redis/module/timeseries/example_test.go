package timeseries_test

import (
	"context"
	"fmt"
	"time"

	"github.com/redchan-go/redchan/redis/module/internal/moduletest"
	"github.com/redchan-go/redchan/redis/module/timeseries"
)

func Example() {
	ctx := context.Background()
	// Any client will do; this one has its answers written down.
	client := moduletest.Answers(":1700000000500\r\n", "*1\r\n*2\r\n:1699999200000\r\n,21.5\r\n")

	added, err := timeseries.Add("temp:1", time.Time{}, 21.5, timeseries.Retention(24*time.Hour)).Do(ctx, client)
	fmt.Println(added.UTC(), err)

	samples, err := timeseries.Range("temp:1", added.Add(-time.Hour), time.Time{},
		timeseries.Aggregate{By: timeseries.Avg, Bucket: time.Hour}).Do(ctx, client)
	for _, s := range samples {
		fmt.Println(s.Time.UTC().Format(time.TimeOnly), s.Value, err)
	}
	// Output:
	// 2023-11-14 22:13:20.5 +0000 UTC <nil>
	// 22:00:00 21.5 <nil>
}
