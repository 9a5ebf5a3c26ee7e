// What every script begins with.
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
const win = Services.wm.getMostRecentWindow("mail:3pane");
const tabmail = win.document.getElementById("tabmail");
const server = MailServices.accounts.accounts[0].incomingServer;
const inbox = () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
const pause = (ms) => new Promise((resolve) => win.setTimeout(resolve, ms));
const until = async (look, seconds) => {
  for (let i = 0; i < seconds * 5; i++) {
    const found = await look();
    if (found) return found;
    await pause(200);
  }
  return null;
};
// The buttons of the invitation bar that a person sees.
const shown = () =>
  Array.from(tabmail.currentAboutMessage.document.querySelectorAll("#imip-bar toolbarbutton"))
    .filter((button) => !button.hidden && button.id.startsWith("imip"))
    .map((button) => button.id);
const bar = () => tabmail.currentAboutMessage.document.getElementById("imip-bar").textContent.trim();
const events = async () => {
  const all = Ci.calICalendar.ITEM_FILTER_ALL_ITEMS;
  const items = await cal.manager.getCalendars()[0].getItemsAsArray(all, 0, null, null);
  return items.map((item) => ({
    title: item.title,
    start: item.startDate.icalString,
    answer: item.getAttendees().find((who) => who.id.toLowerCase().includes("ana@"))?.participationStatus,
  }));
};
