package command

import (
	"time"

	"github.com/redchan-go/redchan/proto"
)

// XClaimOption is an option of [XClaim] and [XClaimJustID]: [ClaimIdle], [ClaimTime],
// [ClaimRetryCount], [ClaimForce], [ClaimLastID].
type XClaimOption interface{ xclaimOption() tokens }

// ClaimIdle sets since when a claimed entry counts as delivered, in milliseconds before
// now: the option IDLE. Without it the time begins anew.
type ClaimIdle time.Duration

func (d ClaimIdle) xclaimOption() tokens {
	t := option(groupExpiry, "IDLE", integer(milliseconds(time.Duration(d))))
	if d < 0 {
		t.err = badArgument("a negative time")
	}
	return t
}

type claimTime int64

// ClaimTime is [ClaimIdle] by the time of the delivery, to the millisecond: the option
// TIME.
func ClaimTime(t time.Time) XClaimOption { return claimTime(unixMilliseconds(t)) }

func (ms claimTime) xclaimOption() tokens {
	t := option(groupExpiry, "TIME", integer(int64(ms)))
	if ms < 0 {
		t.err = badArgument("a time before 1970")
	}
	return t
}

// ClaimRetryCount sets how often a claimed entry counts as delivered: the option
// RETRYCOUNT. Without it every XCLAIM adds one, and XCLAIM JUSTID nothing.
type ClaimRetryCount int64

func (n ClaimRetryCount) xclaimOption() tokens {
	t := option(groupCount, "RETRYCOUNT", integer(int64(n)))
	if n < 0 {
		t.err = badArgument("RETRYCOUNT can't be negative")
	}
	return t
}

// XClaimFlag is an option of [XClaim] and [XClaimJustID]: [ClaimForce].
type XClaimFlag string

// ClaimForce makes entries pending that are pending for nobody: the option FORCE.
const ClaimForce XClaimFlag = "FORCE"

func (f XClaimFlag) xclaimOption() tokens { return flag(groupFlag, f, ClaimForce) }

// ClaimLastID raises the last ID that the group was delivered: the option LASTID.
type ClaimLastID string

func (id ClaimLastID) xclaimOption() tokens {
	t := option(groupFrom, "LASTID", word(string(id)))
	if id == "" {
		t.err = badArgument("LASTID needs an ID")
	}
	return t
}

// XClaim makes entries pending for a consumer that were delivered to others of its group,
// minIdle ago at least, and returns those that are. O(log(N)) for each. Since 5.0.0.
func XClaim(key, group, consumer string, minIdle time.Duration, ids []string, opts ...XClaimOption) Cmd[[]Entry] {
	return Cmd[[]Entry]{xclaimRequest(key, group, consumer, minIdle, ids, opts), decodeEntries}
}

// XClaimJustID is [XClaim] that returns the IDs only, and does not count as a delivery.
// O(log(N)) for each. Since 5.0.0.
func XClaimJustID(key, group, consumer string, minIdle time.Duration, ids []string, opts ...XClaimOption) Cmd[[]string] {
	r := xclaimRequest(key, group, consumer, minIdle, ids, opts)
	r.word("JUSTID")
	return Cmd[[]string]{r, decodeStrings}
}

func xclaimRequest(key, group, consumer string, minIdle time.Duration, ids []string, opts []XClaimOption) Request {
	r := newRequest(&specXclaim)
	r.claim(key, group, consumer, minIdle)
	r.words("IDs", ids)
	addOptions(&r, opts, XClaimOption.xclaimOption)
	return r
}

// claim appends who claims what.
func (r *Request) claim(key, group, consumer string, minIdle time.Duration) {
	r.key(key)
	r.word(group)
	r.word(consumer)
	if minIdle < 0 {
		r.fail(badArgument("a negative time"))
	}
	r.int(milliseconds(minIdle))
}

// AutoClaimed are entries that [XAutoClaim] made pending for a consumer.
type AutoClaimed struct {
	Next    string // where to go on; "0-0" at the end
	Entries []Entry
	// Deleted are the IDs of entries that are not in the stream any more. They are not
	// pending now.
	Deleted []string
}

// AutoClaimedIDs are the IDs of entries that [XAutoClaimJustID] made pending for a
// consumer.
type AutoClaimedIDs struct {
	Next    string // where to go on; "0-0" at the end
	IDs     []string
	Deleted []string // see AutoClaimed
}

// XAutoClaimOption is an option of [XAutoClaim] and [XAutoClaimJustID]: [Count].
type XAutoClaimOption interface{ xautoClaimOption() tokens }

// XAutoClaim makes entries pending for a consumer that were delivered to others of its
// group, minIdle ago at least, beginning with the ID start: "0-0" and then each time what
// the result says. It looks at a hundred entries unless [Count] says otherwise.
// O(1) for a small Count. Since 6.2.0; Deleted since 7.0.0.
func XAutoClaim(key, group, consumer string, minIdle time.Duration, start string, opts ...XAutoClaimOption) Cmd[AutoClaimed] {
	return Cmd[AutoClaimed]{xautoClaimRequest(key, group, consumer, minIdle, start, opts), decodeAutoClaimed}
}

// XAutoClaimJustID is [XAutoClaim] that returns the IDs only, and does not count as a
// delivery. O(1) for a small Count. Since 6.2.0; Deleted since 7.0.0.
func XAutoClaimJustID(key, group, consumer string, minIdle time.Duration, start string, opts ...XAutoClaimOption) Cmd[AutoClaimedIDs] {
	r := xautoClaimRequest(key, group, consumer, minIdle, start, opts)
	r.word("JUSTID")
	return Cmd[AutoClaimedIDs]{r, decodeAutoClaimedIDs}
}

func xautoClaimRequest(key, group, consumer string, minIdle time.Duration, start string, opts []XAutoClaimOption) Request {
	r := newRequest(&specXautoclaim)
	r.claim(key, group, consumer, minIdle)
	if start == "" {
		r.fail(badArgument(`no ID to start with: give "0-0" for the begin`))
	}
	r.word(start)
	addOptions(&r, opts, XAutoClaimOption.xautoClaimOption)
	return r
}

func decodeAutoClaimed(v proto.Value) (AutoClaimed, error) {
	next, deleted, err := decodeAutoClaim(v)
	if err != nil {
		return AutoClaimed{}, err
	}
	entries, err := decodeEntries(v.Index(1))
	return AutoClaimed{next, entries, deleted}, err
}

func decodeAutoClaimedIDs(v proto.Value) (AutoClaimedIDs, error) {
	next, deleted, err := decodeAutoClaim(v)
	if err != nil {
		return AutoClaimedIDs{}, err
	}
	ids, err := decodeStrings(v.Index(1))
	return AutoClaimedIDs{next, ids, deleted}, err
}

// decodeAutoClaim decodes what is around the entries. Deleted ones are missing before 7.0.
func decodeAutoClaim(v proto.Value) (next string, deleted []string, err error) {
	if v.Kind() != proto.KindArray || v.Len() < 2 {
		return "", nil, want("ID, entries and deleted IDs")
	}
	if next, err = decodeText(v.Index(0)); err != nil {
		return "", nil, err
	}
	deleted, err = decodeStrings(v.Index(2))
	return next, deleted, err
}
