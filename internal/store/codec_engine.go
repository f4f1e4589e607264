//go:build linux

package store

import "github.com/bgtask/bgtask/internal/engine"

func clock(c *codec, r *engine.Clock) {
	name(c, 1, &r.Boot)
	signed(c, 2, &r.Base)
	signed(c, 3, &r.Elapsed)
	c.time(4, &r.Wall)
	c.flag(5, &r.Behind)
	unsigned(c, 6, &r.Login)
}

func registration(c *codec, r *engine.Registration) {
	id(c, 1, &r.TaskID)
	name(c, 2, &r.Package)
	message(c, 3, &r.Spec, spec)
	c.time(4, &r.Registered)
	unsigned(c, 5, &r.Order)
}

func ledger(c *codec, r *engine.Ledger) {
	id(c, 1, &r.TaskID)
	unsigned(c, 2, &r.State)
	unsigned(c, 3, &r.Firing)
	signed(c, 4, &r.Grid)
	signed(c, 5, &r.GridWall)
	signed(c, 6, &r.Next)
	c.time(7, &r.NextWall)
	c.flag(8, &r.Disarmed)
	signed(c, 9, &r.Faults)
	signed(c, 10, &r.Tries)
	signed(c, 11, &r.Losses)
	signed(c, 12, &r.NotBefore)
	c.flag(13, &r.Alone)
	unsigned(c, 14, &r.Cause)
	c.time(15, &r.Since)
	text(c, 16, &r.Text)
	signed(c, 17, &r.Probe)
	name(c, 18, &r.OnceIn)
	message(c, 19, &r.LastEnd, ended)
	optional(c, 20, &r.LastRun, run)
	message(c, 21, &r.Counts, counts)
	numbers(c, 22, &r.Starts)
	c.time(23, &r.LastWall)
}

func pending(c *codec, r *engine.Occurrence) {
	id(c, 1, &r.TaskID)
	unsigned(c, 2, &r.First)
	unsigned(c, 3, &r.Number)
	unsigned(c, 4, &r.State)
	signed(c, 5, &r.Count)
	signed(c, 6, &r.Missed)
	c.time(7, &r.Due)
	c.time(8, &r.Observed)
	c.time(9, &r.Last)
	signed(c, 10, &r.FirstAt)
	signed(c, 11, &r.LastAt)
	oneOf(c, 12, &r.Details, details)
	unsigned(c, 13, &r.By)
	c.flag(14, &r.Waived)
	signed(c, 15, &r.CatchUp)
	signed(c, 16, &r.Attempt)
	optional(c, 17, &r.Saved, checkpoint)
	list(c, 18, &r.Tries, run)
}

func checkpoint(c *codec, p *engine.Checkpoint) {
	c.blob(1, &p.Data)
	unsigned(c, 2, &p.Number)
	name(c, 3, &p.Version)
}

func live(c *codec, r *engine.Run) {
	id(c, 1, &r.ID)
	id(c, 2, &r.TaskID)
	unsigned(c, 3, &r.First)
	unsigned(c, 4, &r.Number)
	signed(c, 5, &r.Attempt)
	unsigned(c, 6, &r.State)
	message(c, 7, &r.Host, process)
	id(c, 8, &r.Token)
	c.time(9, &r.Started)
	c.time(10, &r.Entered)
	signed(c, 11, &r.StartedAt)
	signed(c, 12, &r.EnteredAt)
	unsigned(c, 13, &r.Reason)
	c.flag(14, &r.Final)
	signed(c, 15, &r.CancelAt)
	c.flag(16, &r.TimedOut)
	text(c, 17, &r.Failing)
	c.flag(18, &r.Waived)
	c.flag(19, &r.Outdated)
	signed(c, 20, &r.Limit)
	signed(c, 21, &r.SentAt)
	c.time(22, &r.UnresponsiveSince)
	name(c, 23, &r.Version)
	name(c, 24, &r.Key)
	unsigned(c, 25, &r.Edition)
}

func launch(c *codec, r *engine.Launch) {
	id(c, 1, &r.Token)
	name(c, 2, &r.Package)
	message(c, 3, &r.Server, classServer)
	message(c, 4, &r.Process, process)
	unsigned(c, 5, &r.State)
	signed(c, 6, &r.At)
	c.time(7, &r.Wall)
	name(c, 8, &r.Version)
	unsigned(c, 9, &r.Edition)
}

func pkg(c *codec, r *engine.Package) {
	text(c, 1, &r.Family)
	text(c, 2, &r.Name)
	name(c, 3, &r.Publisher)
	text(c, 4, &r.Version)
	text(c, 5, &r.DisplayName)
	text(c, 6, &r.Folder)
	text(c, 7, &r.LocalFolder)
	c.flag(8, &r.Implied)
	list(c, 9, &r.Servers, classServer)
	c.ids(10, &r.Classes)
	unsigned(c, 11, &r.Access)
	c.texts(12, &r.Warnings)
	c.flag(13, &r.Removing)
	c.flag(14, &r.KeepData)
	c.flag(15, &r.Servicing)
	text(c, 16, &r.PreviousVersion)
	unsigned(c, 17, &r.Edition)
	c.flag(18, &r.Gone)
	unsigned(c, 19, &r.Origin)
	text(c, 20, &r.Content)
	text(c, 21, &r.Signer)
}

func remembered(c *codec, r *engine.Remembered) {
	id(c, 1, &r.Request)
	signed(c, 2, &r.At)
	name(c, 3, &r.Code)
	text(c, 4, &r.Detail)
	text(c, 5, &r.Hint)
	text(c, 6, &r.Subject)
	id(c, 7, &r.TaskID)
	unsigned(c, 8, &r.Number)
	unsigned(c, 9, &r.Change)
	c.texts(10, &r.Tasks)
	c.texts(11, &r.Warnings)
	unsigned(c, 12, &r.Access)
	c.ids(13, &r.Replaced)
}

func lastingFact(c *codec, r *engine.LastingFact) {
	name(c, 1, &r.Name)
	text(c, 2, &r.Value)
}
