import { events, lists, profiles } from './klaviyo';

export async function recordOrder(order: Order) {
  await profiles.createOrUpdateProfile(toProfile(order));
  await events.createEvent(toEvent(order));
}

export async function subscribe(email: string, listId: string) {
  // profiles.deleteEverything() was here once
  await profiles.subscribeProfiles({ data: { listId, email } });
  const members = await lists.getListProfiles(listId, { pageSize: 100 });
  return members.body.data.length;
}
