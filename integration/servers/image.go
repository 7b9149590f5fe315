package servers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/client"
)

// imageRepository is where images built here are tagged: redchan-test/redis7:7.0.15.
const imageRepository = "redchan-test/"

// registryPatience bounds the one question whether a registry answers.
const registryPatience = 5 * time.Second

// image is the image of one role, found or made once per process.
type image struct {
	mu        sync.Mutex
	reference string // empty until it is there
}

// registry remembers whether a registry answers, asked once per process.
type registry struct {
	once sync.Once
	err  error
}

// Prepare makes the images of the available versions ready. Start does it too, for
// its version; tests that measure time call Prepare first.
func Prepare(ctx context.Context) error {
	e, err := setup(ctx, os.Stderr)
	if err != nil {
		return err
	}
	versions, err := Available(ctx)
	if err != nil || e.docker == nil {
		return err
	}
	errs := make([]error, len(versions))
	var group sync.WaitGroup
	for i, version := range versions {
		group.Go(func() {
			_, errs[i] = e.image(ctx, version)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// image returns the reference of the version's image. A failure is not remembered.
func (e *engine) image(ctx context.Context, version Version) (string, error) {
	e.mu.Lock()
	entry := e.images[version.Role]
	if entry == nil {
		entry = &image{}
		e.images[version.Role] = entry
	}
	e.mu.Unlock()

	entry.mu.Lock()
	defer entry.mu.Unlock()
	if entry.reference != "" {
		return entry.reference, nil
	}
	reference, err := e.localImage(ctx, version)
	if err != nil {
		return "", err
	}
	if reference == "" {
		select {
		case e.building <- struct{}{}:
			defer func() { <-e.building }()
		case <-ctx.Done():
			return "", ctx.Err()
		}
		if reference, err = e.makeImage(ctx, version); err != nil {
			return "", err
		}
	}
	entry.reference = reference
	return reference, nil
}

// localImage finds an image of the version that the engine has, the official one or
// one that was built here; empty if there is none.
func (e *engine) localImage(ctx context.Context, version Version) (string, error) {
	for _, reference := range []string{version.Image, imageRepository + version.Role} {
		list, err := e.docker.Client().ImageList(ctx, client.ImageListOptions{
			Filters: make(client.Filters).Add("reference", reference),
		})
		if err != nil {
			return "", fmt.Errorf("listing images: %w", err)
		}
		for _, item := range list.Items {
			for _, tag := range item.RepoTags {
				_, number, _ := strings.Cut(tag, ":")
				if reference == version.Image || strings.HasPrefix(number, version.Prefix) {
					return tag, nil
				}
			}
		}
	}
	return "", nil
}

// makeImage pulls the official image, or builds one from Debian packages where no
// registry answers.
func (e *engine) makeImage(ctx context.Context, version Version) (string, error) {
	pullErr := e.pull(ctx, version)
	if pullErr == nil {
		return version.Image, nil
	}
	end := e.progress.step(version.Role, fmt.Sprintf("no official image (%v); building one from Debian packages of %s", pullErr, version.Suite))
	reference, err := e.build(ctx, version)
	end(err)
	if err != nil {
		return "", fmt.Errorf("%w: %v: pulling %s: %w; building it from Debian packages: %w", ErrUnavailable, version, version.Image, pullErr, err)
	}
	return reference, nil
}

// pull pulls the official image. Whether a registry answers is asked first, briefly
// and once, because a machine without one may take minutes to say so.
func (e *engine) pull(ctx context.Context, version Version) (err error) {
	e.registry.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, registryPatience)
		defer cancel()
		_, e.registry.err = e.docker.Client().DistributionInspect(ctx, version.Image, client.DistributionInspectOptions{})
	})
	if e.registry.err != nil {
		return errors.New("no registry answers")
	}
	end := e.progress.step(version.Role, "pulling "+version.Image)
	defer func() { end(err) }()
	return e.docker.PullImage(ctx, version.Image)
}

// build makes an image from Debian packages.
func (e *engine) build(ctx context.Context, version Version) (reference string, err error) {
	directory, err := os.MkdirTemp("", directoryPrefix+version.Role+"-packages-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	// apt fetches as a user of its own, who must be able to enter.
	if err := os.Chmod(directory, 0o755); err != nil {
		return "", err
	}
	packages, err := newAptRoot(directory)
	if err != nil {
		return "", err
	}
	tree, err := packages.unpack(ctx, version.Suite, version.Packages)
	if err != nil {
		return "", err
	}
	number, err := programVersion(ctx, tree, version)
	if err != nil {
		return "", err
	}
	files, err := buildContext(ctx, version, tree)
	if err != nil {
		return "", err
	}
	reference = imageRepository + version.Role + ":" + number
	return reference, e.buildImage(ctx, reference, version.Role, files)
}

// buildImage makes an image from its build context.
func (e *engine) buildImage(ctx context.Context, reference, role string, files *bytes.Buffer) error {
	e.progress.printf("%s: building %s, %d MiB", role, reference, files.Len()>>20)
	result, err := e.docker.Client().ImageBuild(ctx, files, client.ImageBuildOptions{
		Tags:        []string{reference},
		Version:     build.BuilderV1,
		Remove:      true,
		ForceRemove: true,
		Labels:      map[string]string{labelOwner: role},
	})
	if err != nil {
		return fmt.Errorf("building %s: %w", reference, err)
	}
	defer result.Body.Close()
	return buildFailure(result.Body)
}

// buildFailure reads the engine's account of a build to its end and returns the error
// that it tells; the request itself has succeeded when a build fails.
func buildFailure(account io.Reader) error {
	decoder := json.NewDecoder(account)
	for {
		var message struct {
			Error string `json:"error"`
		}
		err := decoder.Decode(&message)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the engine's account of a build: %w", err)
		case message.Error != "":
			return errors.New("the engine refused the build: " + message.Error)
		}
	}
}
