package proto

import "strings"

// Error is an error reply of the server.
type Error struct {
	// Code is the first word of the error if it is in capitals, such as "WRONGTYPE", "NOPERM" or
	// "ERR". It is empty if the server sent no code.
	Code string
	// Message is the rest of the error. The arguments that a server repeats in the error for an
	// unknown command are cut off, because they may contain a password.
	Message string
}

// Error returns the code and the message as the server sent them.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	if e.Message == "" {
		return e.Code
	}
	return e.Code + " " + e.Message
}

// newError parses the text of an error reply.
func newError(text string) *Error {
	text, _, _ = strings.Cut(text, ", with args beginning with:")
	code, message, _ := strings.Cut(text, " ")
	if code == "" || strings.ToUpper(code) != code {
		return &Error{Message: text}
	}
	return &Error{Code: code, Message: message}
}
