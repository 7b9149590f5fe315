package redis

import (
	"fmt"
	"log/slog"
)

// redacted is printed in place of every secret.
const redacted = "[redacted]"

// Secret is a password, made by [NewSecret]. It shows as "[redacted]" when it is printed,
// logged, or marshaled. In an unexported field of a struct, where fmt can't call its
// methods, it shows as an address. The zero Secret is no secret.
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

// IsZero reports whether s is the zero Secret.
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
