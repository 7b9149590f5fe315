package search

import (
	"strconv"

	"github.com/redchan-go/redchan/redis/command"
	"github.com/redchan-go/redchan/redis/module/internal/wire"
)

// Reducer is what the rows of a group become one by.
type Reducer struct {
	name   string
	args   []string
	as     string
	reason string
}

// As returns the reducer with a name for its result; without it the server makes one.
func (r Reducer) As(name string) Reducer {
	r.as = name
	return r
}

// of returns a reducer of a property.
func of(name, field string, more ...string) Reducer {
	var a wire.Args
	r := Reducer{name: name, args: append([]string{property(&a, field)}, more...)}
	if field == "" || field == "@" {
		r.reason = "a reducer has no property"
	}
	return r
}

// Count counts the rows of a group.
func Count() Reducer { return Reducer{name: "COUNT"} }

// CountDistinct counts the different values of a property.
func CountDistinct(field string) Reducer { return of("COUNT_DISTINCT", field) }

// CountDistinctish is [CountDistinct] by estimation, with an error of about 3 per cent.
func CountDistinctish(field string) Reducer { return of("COUNT_DISTINCTISH", field) }

// Sum adds up the values of a property.
func Sum(field string) Reducer { return of("SUM", field) }

// Smallest is the smallest value of a property: MIN.
func Smallest(field string) Reducer { return of("MIN", field) }

// Largest is the largest value of a property: MAX.
func Largest(field string) Reducer { return of("MAX", field) }

// Avg is the average of a property.
func Avg(field string) Reducer { return of("AVG", field) }

// StdDev is the standard deviation of a property.
func StdDev(field string) Reducer { return of("STDDEV", field) }

// Quantile is the value that a share q of the values of a property, from 0 to 1, is below.
func Quantile(field string, q float64) Reducer {
	r := of("QUANTILE", field, strconv.FormatFloat(q, 'g', -1, 64))
	if !(q >= 0 && q <= 1) {
		r.reason = "a quantile must be from 0 to 1"
	}
	return r
}

// ToList is the different values of a property: a [Value] with a List.
func ToList(field string) Reducer { return of("TOLIST", field) }

// FirstValue is the value of a property in the first row of the group.
func FirstValue(field string) Reducer { return of("FIRST_VALUE", field) }

// FirstValueBy is [FirstValue] of rows that are sorted by another property.
func FirstValueBy(field, by string, order command.Order) Reducer {
	r := of("FIRST_VALUE", field)
	sorted := of("", by)
	r.args = append(r.args, "BY", sorted.args[0], direction(order))
	if r.reason == "" {
		r.reason = sorted.reason
	}
	return r
}

// RandomSample is n values of a property by chance: a [Value] with a List.
func RandomSample(field string, n int) Reducer {
	r := of("RANDOM_SAMPLE", field, strconv.Itoa(n))
	if n <= 0 {
		r.reason = "the size of a sample must be positive"
	}
	return r
}
