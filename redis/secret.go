package redis

import (
	"fmt"
	"log/slog"
)

// redacted stands for every secret that is printed.
const redacted = "[redacted]"

// Secret is a password, made by [NewSecret]. However it is printed, logged or
// marshalled, it shows as "[redacted]", and as an address inside of structs whose
// fields are not exported, where fmt can't ask it. The zero Secret is none.
type Secret struct{ text *string }

// NewSecret returns a secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// Format prints "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// LogValue logs "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText marshals to "[redacted]".
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
