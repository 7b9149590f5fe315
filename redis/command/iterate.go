package command

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// ScanAll iterates over the keys of the database:
//
//	for key, err := range client.ScanAll(ctx, command.Match("user:*")) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// It asks for a page at a time, for the next one when the loop has taken the last; a
// break ends it with nothing left behind. An error is the last item, also the end of ctx. A key that exists
// all the time is found at least once, possibly twice. Since 2.8.0.
func (c *Commands) ScanAll(ctx context.Context, opts ...ScanOption) iter.Seq2[string, error] {
	return pages(ctx, func(cursor uint64) (uint64, []string, error) {
		page, err := c.Scan(ctx, cursor, opts...)
		return page.Cursor, page.Keys, err
	})
}

// ended returns why ctx has ended: its error, and the cause where that is another.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// pages iterates over what a scan finds.
func pages[T any](ctx context.Context, page func(cursor uint64) (next uint64, found []T, err error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for cursor := uint64(0); ; {
			next, found, err := page(cursor)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, one := range found {
				if ctx.Err() != nil { // Scan would say so at the next page
					var zero T
					yield(zero, ended(ctx))
					return
				}
				if !yield(one, nil) {
					return
				}
			}
			if next == 0 {
				return
			}
			cursor = next
		}
	}
}

// HScanAll iterates over the fields of a hash, as [Commands.ScanAll] does over the keys.
// Since 2.8.0.
func (c *Commands) HScanAll(ctx context.Context, key string, opts ...HScanOption) iter.Seq2[Field, error] {
	return pages(ctx, func(cursor uint64) (uint64, []Field, error) {
		page, err := c.HScan(ctx, key, cursor, opts...)
		return page.Cursor, page.Fields, err
	})
}

// SScanAll iterates over the members of a set, as [Commands.ScanAll] does over the keys.
// Since 2.8.0.
func (c *Commands) SScanAll(ctx context.Context, key string, opts ...SScanOption) iter.Seq2[string, error] {
	return pages(ctx, func(cursor uint64) (uint64, []string, error) {
		page, err := c.SScan(ctx, key, cursor, opts...)
		return page.Cursor, page.Members, err
	})
}
