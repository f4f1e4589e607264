package main

import "github.com/spf13/cobra"

// brokerVerbs are those that ask a broker.
func brokerVerbs(a *app) []*cobra.Command {
	return []*cobra.Command{
		newList(a), newShow(a), newWhy(a), newFire(a), newRaise(a), newCancel(a), newResume(a), newRemove(a), newAdd(a),
		newSimulate(a), newHistory(a), newLogs(a), newWatch(a), newFacts(a), newToast(a), newPush(a),
		newPackages(a), newInstall(a), newUninstall(a), newTrust(a), newAccess(a), newDoctor(a),
	}
}
