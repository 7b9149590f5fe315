package redis

import (
	"strings"
	"testing"

	"github.com/redchan-go/redchan/redis/command"
)

// ASKING is for the next request of its connection: no part of a batch ends with it.
func TestPartsKeepAskingWithItsRequest(t *testing.T) {
	add := func(rs *command.Requests, cmd interface{ Request() command.Request }) {
		r := cmd.Request()
		rs.Add(&r)
	}
	asking := command.AskingRequest()
	many := new(command.Requests)
	for range partRequests - 1 {
		add(many, command.Get("k"))
	}
	many.Add(&asking)
	add(many, command.Get("asked"))
	add(many, command.Get("k"))
	if part := nextPart(many, 0); part.Len() != partRequests+1 || part.Name(partRequests) != "GET" {
		t.Errorf("the first part has %d requests", part.Len())
	}
	if part := nextPart(many, partRequests+1); part.Len() != 1 {
		t.Errorf("the second part has %d requests", part.Len())
	}
	large := new(command.Requests)
	large.Add(&asking)
	add(large, command.Set("k", strings.Repeat("x", partBytes)))
	add(large, command.Get("k"))
	if part := nextPart(large, 0); part.Len() != 2 {
		t.Errorf("the first part has %d requests", part.Len())
	}
}
