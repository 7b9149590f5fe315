package search_test

import (
	"context"
	"fmt"

	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/moduletest"
	"github.com/redchan-go/redchan/redis/module/search"
)

func Example() {
	ctx := context.Background()
	// Any client will do; this one has its answers written down.
	client := moduletest.Answers("+OK\r\n",
		"%2\r\n+total_results\r\n:1\r\n+results\r\n*1\r\n%2\r\n+id\r\n$6\r\nbook:1\r\n"+
			"+extra_attributes\r\n%1\r\n$5\r\ntitle\r\n$4\r\nEmma\r\n")

	_, err := search.Create("books", []search.Field{
		search.Text{Name: "title", Weight: 2},
		search.Numeric{Name: "year", Flags: search.Sortable},
	}, search.Prefix{"book:"}).Do(ctx, client)
	fmt.Println(err)

	found, err := search.Search("books", "@year:[1800 1900]",
		search.SortBy{Field: "year", Order: command.Desc}, search.Limit{Count: 10}).Do(ctx, client)
	for _, d := range found.Documents {
		fmt.Println(d.ID, d.Fields["title"], err)
	}
	// Output:
	// <nil>
	// book:1 Emma <nil>
}
