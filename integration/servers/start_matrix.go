package servers

import (
	"context"
	"errors"
	"os"
	"sync"
)

// Available returns the versions that can be had on this machine. With a Docker
// engine these are all; what can't be had then is an error of Start. Without one
// these are the versions that are installed, what is left out is told as progress,
// and it is an error, which says what to install, to have none.
func Available(ctx context.Context) ([]Version, error) {
	e, err := setup(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	if e.docker != nil {
		return Matrix(), nil
	}
	var found []Version
	var missing []error
	for _, version := range Matrix() {
		if _, err := e.localProgram(ctx, version); err != nil {
			missing = append(missing, err)
			continue
		}
		found = append(found, version)
	}
	if len(found) == 0 {
		return nil, errors.Join(missing...)
	}
	e.leftOut.Do(func() {
		for _, err := range missing {
			e.progress.printf("not tested: %v", err)
		}
	})
	return found, nil
}

// StartMatrix starts a server of every available version, at once, and returns them
// in the order of Matrix. Where one fails it closes the others.
func StartMatrix(ctx context.Context, config Config) ([]*Server, error) {
	versions, err := Available(ctx)
	if err != nil {
		return nil, err
	}
	started := make([]*Server, len(versions))
	errs := make([]error, len(versions))
	var group sync.WaitGroup
	for i, version := range versions {
		group.Go(func() { started[i], errs[i] = Start(ctx, version, config) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		for _, server := range started {
			if server != nil {
				err = errors.Join(err, server.Close())
			}
		}
		return nil, err
	}
	return started, nil
}
