package redis

import (
	"fmt"
	"log/slog"
)

// redacted stands for every secret that is printed.
const redacted = "[redacted]"

// Secret is a password. However it is printed, logged or marshalled, it shows
// as "[redacted]"; string(secret) is the password.
type Secret string

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
