package command

import (
	"strings"

	"github.com/redchan-go/redchan/cluster/slot"
	"github.com/redchan-go/redchan/proto"
)

// rejectedBy reports whether a server refused the request by e without running it, so
// that it may run it later or elsewhere.
//
// For the servers' own commands the code decides. Scripts, functions and the commands of
// modules can return any error of their own after they have run. So the server's words
// must match as well, and a redirect must be for the slot of the request's keys.
func (r *Request) rejectedBy(e *proto.Error) bool {
	switch e.Code {
	case "MOVED", "ASK":
		to, err := proto.ParseRedirect(e)
		return err == nil && (!r.hasOwnErrors() || r.isOfSlot(to.Slot))
	case "UNBLOCKED":
		// The server lost its role while the command waited. CLIENT UNBLOCK has other
		// words: somebody wants the command to end.
		return strings.HasPrefix(e.Message, "force unblock from blocking operation")
	case "LOADING", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY":
		return !r.hasOwnErrors() || serversWords(e)
	}
	return false
}

// serversWords reports whether an error of a script has the words of a server that has
// not run it. A script that met the same error in a call of its own passes it on with
// more behind it.
func serversWords(e *proto.Error) bool {
	m := e.Message
	switch e.Code {
	case "LOADING": // "Redis is ...", "Valkey is ..."
		return strings.HasSuffix(m, " is loading the dataset in memory")
	case "TRYAGAIN":
		return m == "Multiple keys request during rehashing of slot"
	case "CLUSTERDOWN":
		return m == "Hash slot not served" || m == "The cluster is down" || m == "The cluster is down and only accepts read commands"
	case "MASTERDOWN":
		return strings.HasPrefix(m, "Link with MASTER is down and ") && strings.HasSuffix(m, "-serve-stale-data is set to 'no'.")
	case "READONLY":
		return m == "You can't write against a read only replica." || m == "Can not run script with write flag on readonly replica."
	}
	return false
}

// hasOwnErrors reports whether what the request runs may return errors of its own.
func (r *Request) hasOwnErrors() bool {
	switch r.spec {
	case nil, &specEval, &specEvalRo, &specEvalsha, &specEvalshaRo, &specFcall, &specFcallRo,
		&specEvalOfScript, &specEvalRoOfScript:
		return true
	}
	return false
}

// isOfSlot reports whether a server may redirect the request for a slot: it is the slot
// of the request's keys. A module's command, whose keys are not known, may have it.
func (r *Request) isOfSlot(s int) bool {
	if key, ok := r.Route(); ok {
		return slot.Of(key) == s
	}
	if r.spec == nil {
		return true
	}
	// The keys of a raw EVAL need not be marked: the script, their number, the first one.
	const firstKey = 2
	return r.Len() > firstKey && r.text(1) != "0" && slot.Of(r.text(firstKey)) == s
}
