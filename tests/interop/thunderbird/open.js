// Fetches mail until one with this subject is there, and opens it.
while (tabmail.tabInfo.length > 1) tabmail.closeTab(tabmail.tabInfo[1]);
const wanted = await until(() => {
  server.getNewMessages(inbox() || server.rootFolder, null, null);
  return inbox() && Array.from(inbox().messages).find((mail) => mail.mime2DecodedSubject.includes(args[0]));
}, 40);
if (!wanted) return { subject: "no such mail", bar: "", buttons: [] };
tabmail.openTab("mailMessageTab", { messageURI: wanted.folder.getUriForMsg(wanted), viewWrapper: null });
await until(() => tabmail.currentAboutMessage && shown().length > 1, 20);
await until(() => args[1] === "" || shown().includes(args[1]), 20);
return { subject: wanted.mime2DecodedSubject, bar: bar(), buttons: shown() };
