package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/redchan-go/redchan/pubsub"
)

// tally counts the numbers 1, 2, 3, ... as they arrive.
type tally struct {
	highest  int // the last number that arrived
	received int
	missed   int
	untold   int // missed without a Gap at their place; the client's promise is 0
}

// add counts a message and returns the numbers missing in front of it, for
// people.
func (t *tally) add(msg pubsub.Message) (missed string, err error) {
	number, err := strconv.Atoi(msg.Payload)
	if err != nil {
		return "", fmt.Errorf("someone else publishes to %s: %w", msg.Channel, err)
	}
	var numbers []string
	for n := t.highest + 1; n < number; n++ {
		numbers = append(numbers, strconv.Itoa(n))
	}
	t.highest = number
	t.received++
	t.missed += len(numbers)
	if msg.Gap == nil {
		t.untold += len(numbers)
	}
	if len(numbers) == 0 {
		return "none", nil
	}
	return strings.Join(numbers, " "), nil
}

// String is the summary.
func (t *tally) String() string {
	return fmt.Sprintf("%d numbers: %d received, %d missed, %d of them told by a gap",
		t.highest, t.received, t.missed, t.missed-t.untold)
}
