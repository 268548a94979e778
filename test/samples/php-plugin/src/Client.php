<?php

use KlaviyoAPI\KlaviyoAPI;

class Client
{
    public function member(string $profileId)
    {
        return $this->klaviyo->Profiles->getProfile($profileId);
    }

    public function unsubscribe(array $body)
    {
        return $this->klaviyo->Profiles->bulkUnsubscribeProfiles($body);
    }

    public function coupon(string $couponId)
    {
        $curl = curl_init('https://a.klaviyo.com/api/coupons/' . $couponId);
        curl_setopt($curl, CURLOPT_CUSTOMREQUEST, 'DELETE');
        return curl_exec($curl);
    }

    public function campaign(string $id)
    {
        return $this->http->send($this->signed("https://a.klaviyo.com/api/campaigns/{$id}"));
    }

    public function webhook(array $body)
    {
        $curl = curl_init("https://a.klaviyo.com/api/webhooks");
        curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body));
        return curl_exec($curl);
    }
}
