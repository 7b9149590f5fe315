package proto

import "strings"

// Error is an error reply of the server.
type Error struct {
	// Code is the first word where it is in capitals, such as "WRONGTYPE",
	// "NOPERM" or "ERR"; it is empty where the server gave none.
	Code string
	// Message is the rest. Arguments that a server repeats in the error for an
	// unknown command are cut off: they may hold a password.
	Message string
}

// Error returns code and message as the server sent them.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	if e.Message == "" {
		return e.Code
	}
	return e.Code + " " + e.Message
}

// newError takes the text of an error reply apart.
func newError(text string) *Error {
	text, _, _ = strings.Cut(text, ", with args beginning with:")
	code, message, _ := strings.Cut(text, " ")
	if code == "" || strings.ToUpper(code) != code {
		return &Error{Message: text}
	}
	return &Error{Code: code, Message: message}
}
