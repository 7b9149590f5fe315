package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What browsers may send.
const (
	maxChannels   = 16       // of a stream
	maxName       = 100      // bytes of a channel's name
	maxText       = 16 << 10 // bytes of a message to publish
	maxBody       = 64 << 10 // bytes of a form, where a byte may take three
	maxBodyPeriod = 10 * time.Second
)

// channelsOf returns the channels that a stream is to follow, each once.
func channelsOf(r *http.Request) ([]string, error) {
	names := r.URL.Query()["channel"]
	if len(names) == 0 {
		return nil, errors.New("no channel: ask for /events?channel=name, and &channel=other for more")
	}
	if len(names) > maxChannels {
		return nil, fmt.Errorf("%d channels: a stream has %d at most", len(names), maxChannels)
	}
	for _, name := range names {
		if err := checkName(name); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// checkName says what is wrong with the name of a channel. Redis would take any bytes:
// this is about what people can read and type.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a channel's name is empty")
	case len(name) > maxName:
		return fmt.Errorf("a channel's name is %d bytes long: %d are the most", len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("a channel's name is not UTF-8: %q", name)
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("a channel's name has characters that can't be printed: %q", name)
	}
	return nil
}

// published returns what a form wants to have published where. Where that is an error
// status is its HTTP status.
func published(w http.ResponseWriter, r *http.Request) (channel, text string, status int, err error) {
	// A form that never comes to its end. Not every connection has deadlines.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(maxBodyPeriod))
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
			return "", "", http.StatusRequestEntityTooLarge, fmt.Errorf("the form is too large: %d bytes are the most", maxBody)
		}
		return "", "", http.StatusBadRequest, fmt.Errorf("the form can't be read: %w", err)
	}
	if !r.PostForm.Has("channel") || !r.PostForm.Has("message") {
		return "", "", http.StatusBadRequest, errors.New("a form with channel and message is wanted, as application/x-www-form-urlencoded")
	}
	channel, text = r.PostForm.Get("channel"), r.PostForm.Get("message")
	if err := checkName(channel); err != nil {
		return "", "", http.StatusBadRequest, err
	}
	if len(text) > maxText {
		return "", "", http.StatusRequestEntityTooLarge, fmt.Errorf("the message is %d bytes long: %d are the most", len(text), maxText)
	}
	return channel, text, 0, nil
}

// lastSeen returns when the browser got the last item of the stream that it had before
// this one, and false where it had none. It sends the item's id by itself when it
// connects again; the page adds it to the URL when the browser has given up.
func lastSeen(r *http.Request) (time.Time, bool, error) {
	id := r.Header.Get("Last-Event-ID")
	if id == "" {
		id = r.URL.Query().Get("last")
	}
	if id == "" {
		return time.Time{}, false, nil
	}
	digits, _, _ := strings.Cut(id, "-")
	milliseconds, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || milliseconds < 0 || milliseconds > time.Now().Add(time.Hour).UnixMilli() {
		return time.Time{}, false, fmt.Errorf("%.40q is not the id of an item of a stream", id)
	}
	return time.UnixMilli(milliseconds), true, nil
}
